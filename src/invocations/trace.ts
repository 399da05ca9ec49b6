/**
 * The facts of one trace as a tree. Spans may be missing, and parents may even form circles. Which agents' sums
 * are calls is decided here, before anybody asks what is a call.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { compareText } from '../lib/compare.ts';
import { ANCESTORS_MAX, wrapperOf } from './sums.ts';

export interface TraceNode {
  readonly spanId: string;
  /** Absent while only log records told of this span. */
  fact: SpanFacts | null;
  /** Log records about this span, in the order in which they were made. */
  readonly details: SpanFacts[];
}

export interface Trace {
  readonly traceId: string;
  readonly nodes: ReadonlyMap<string, TraceNode>;
  readonly reports: readonly SpanFacts[];
  readonly evaluations: readonly SpanFacts[];
}

/** `facts` hold no duplicates and are all of one trace. */
export function buildTrace(traceId: string, facts: readonly SpanFacts[]): Trace {
  const nodes = new Map<string, TraceNode>();
  const nodeOf = (spanId: string): TraceNode => {
    let node = nodes.get(spanId);
    if (node === undefined) {
      node = { spanId, fact: null, details: [] };
      nodes.set(spanId, node);
    }
    return node;
  };
  const reports: SpanFacts[] = [];
  const evaluations: SpanFacts[] = [];
  for (const fact of facts) {
    if (fact.role === 'evaluation') evaluations.push(fact);
    else if (fact.role === 'report') reports.push(fact);
    else if (fact.role !== 'detail') nodeOf(fact.spanId).fact = fact;
    else if (fact.spanId !== '') nodeOf(fact.spanId).details.push(fact);
  }
  for (const node of nodes.values()) if (node.details.length > 1) node.details.sort(byMaking);
  const trace = { traceId, nodes, reports: reports.toSorted(byMaking), evaluations: evaluations.toSorted(byMaking) };
  if (facts.some(isAgentSum)) wrapAgentSums(trace);
  if (facts.some(isOfServer)) wrapSequences(trace);
  return trace;
}

/** A model server reports each sequence of a request, which is one call to whoever asked. */
function isOfServer({ role, dialects }: SpanFacts): boolean {
  return role === 'call' && dialects.includes('model-server');
}

function wrapSequences(trace: Trace): void {
  const inside = [...trace.nodes.values()].filter((node) => {
    if (node.fact === null || !isOfServer(node.fact)) return false;
    for (const above of ancestors(trace, node)) {
      if (above.fact?.boundary !== undefined) return false;
      if (isCall(above)) return true;
    }
    return false;
  });
  for (const node of inside) if (node.fact !== null) node.fact = { ...node.fact, role: 'wrapper' };
}

function isAgentSum({ role, boundary }: SpanFacts): boolean {
  return role === 'call' && boundary !== undefined;
}

/** Sums of agents inside of which calls are reported are about those, and wrap them; of a circle of sums one is left. */
function wrapAgentSums(trace: Trace): void {
  for (const spanId of [...trace.nodes.keys()].toSorted()) {
    const node = trace.nodes.get(spanId) as TraceNode;
    if (!isCall(node)) continue;
    for (const above of ancestors(trace, node)) {
      if (above.fact !== null && isAgentSum(above.fact)) above.fact = wrapperOf(above.fact);
    }
  }
}

/** Time, then the place in the request, then content: log records of a burst have equal times. */
export function byMaking(a: SpanFacts, b: SpanFacts): number {
  return (
    compareText(a.startedAt, b.startedAt) ||
    (a.sequence ?? 0) - (b.sequence ?? 0) ||
    compareText(a.recordId, b.recordId) ||
    compareText(a.spanId, b.spanId)
  );
}

/** True for a span that reports a call, and for one that only a full log record told of. */
export function isCall(node: TraceNode): boolean {
  if (node.fact !== null && node.fact.role !== 'link') return node.fact.role === 'call';
  return node.details.some((detail) => detail.operation !== undefined && detail.requestModel !== undefined);
}

/** What a call's span and its log records say about the call. */
export function factsOfNode({ fact, details }: TraceNode): readonly SpanFacts[] {
  return fact !== null && fact.role === 'call' ? [fact, ...details] : details;
}

/** Ancestors from the parent up; ids whose span is not known end it. */
export function* ancestors(trace: Trace, node: TraceNode): Generator<TraceNode> {
  let parent = parentOf(trace, node);
  for (let depth = 0; parent !== undefined && parent !== node && depth < ANCESTORS_MAX; depth++) {
    yield parent;
    parent = parentOf(trace, parent);
  }
}

function parentOf(trace: Trace, node: TraceNode): TraceNode | undefined {
  const id = node.fact?.parentSpanId ?? '';
  return id === '' ? undefined : trace.nodes.get(id);
}
