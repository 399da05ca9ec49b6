/**
 * Which span of a trace is one call: the innermost call span of each chain of ancestors. The call
 * spans around it are other views of the same call, unless a tool or an agent begins in between.
 */

import { type Trace, type TraceNode, ancestors, isCall } from './trace.ts';

/** One call of one trace, with every span that tells about it. */
export interface CallUnit {
  readonly trace: Trace;
  /** The innermost span: the invocation's identity. */
  readonly call: TraceNode;
  /** Call spans around it that are around no other call, nearest first: all they know is about this call. */
  readonly views: readonly TraceNode[];
  /** Call spans around it that are around other calls too: no invocations, and views of none alone. */
  readonly shared: readonly TraceNode[];
  /** Other spans above, nearest first: they know the prompt, the conversation, the user. */
  readonly context: readonly TraceNode[];
}

export function findUnits(trace: Trace): CallUnit[] {
  const calls = [...trace.nodes.values()].filter(isCall);
  const [only] = calls;
  if (only === undefined) return [];
  if (calls.length === 1) return [{ trace, call: only, views: [], shared: [], context: [...ancestors(trace, only)] }];
  const outers = new Map<TraceNode, readonly TraceNode[]>();
  /** How many innermost calls each call span is around. */
  const around = new Map<TraceNode, number>();
  const hasInner = new Set<TraceNode>();
  for (const call of calls) {
    const chain = outerCalls(trace, call);
    outers.set(call, chain);
    for (const outer of chain) hasInner.add(outer);
  }
  const innermost = calls.filter((call) => !hasInner.has(call));
  for (const call of innermost) {
    for (const outer of outers.get(call) ?? []) around.set(outer, (around.get(outer) ?? 0) + 1);
  }
  // In a circle of parents every call is inside another; the lowest id stands for them all.
  const roots = innermost.length > 0 ? innermost : calls.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1)).slice(0, 1);
  return roots.map((call) => {
    const chain = outers.get(call) ?? [];
    const views = chain.filter((outer) => around.get(outer) === 1);
    const own = new Set(views);
    const shared = chain.filter((outer) => !own.has(outer));
    return { trace, call, views, shared, context: [...ancestors(trace, call)].filter((node) => !own.has(node)) };
  });
}

/** Call spans above, nearest first, up to where other work begins. */
function outerCalls(trace: Trace, call: TraceNode): readonly TraceNode[] {
  const chain: TraceNode[] = [];
  for (const node of ancestors(trace, call)) {
    if (node.fact?.boundary !== undefined) break;
    if (isCall(node)) chain.push(node);
  }
  return chain;
}
