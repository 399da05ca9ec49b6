/**
 * Which spans of a trace are one call: the innermost call span of each chain of ancestors, and the
 * call spans around it, which are other views of it; unless a tool or an agent begins in between, or
 * what they say proves that they report another call, inside of which this one was made.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { isFailure, provesOther, responseIdIn } from './evidence.ts';
import type { SpanIdentity } from './settled.ts';
import { type Trace, type TraceNode, ancestors, factsOfNode, isCall } from './trace.ts';
import { compareText } from '../lib/compare.ts';

/** One call of one trace, with every span that tells about it. */
export interface CallUnit {
  readonly trace: Trace;
  /** The innermost span: the invocation's identity. */
  readonly call: TraceNode;
  /** Call spans around it that are around no other call, nearest first: all they know is about this call. */
  readonly views: readonly TraceNode[];
  /** The nearest span of another call that this one was made inside of: its prompt is not this one's. */
  readonly within: TraceNode | null;
  /** Other spans above, nearest first: they know the prompt, the conversation, the user. */
  readonly context: readonly TraceNode[];
}

export function findUnits(trace: Trace): CallUnit[] {
  const calls = [...trace.nodes.values()].filter(isCall);
  const [only] = calls;
  if (only === undefined) return [];
  if (calls.length === 1) return [unitOf(trace, { call: only, views: NO_VIEWS, within: null })];
  const outers = new Map<TraceNode, TraceNode>();
  for (const call of calls) {
    const outer = outerCall(trace, call);
    if (outer !== undefined) outers.set(call, outer);
  }
  if (outers.size === 0) return calls.map((call) => unitOf(trace, { call, views: NO_VIEWS, within: null }));
  openCircles(calls, outers);
  return findChains(calls, outers).map((chain) => unitOf(trace, chain));
}

/** In a circle of parents every call is inside another: there the lowest id is taken for the innermost. */
function openCircles(calls: readonly TraceNode[], outers: Map<TraceNode, TraceNode>): void {
  const seenFrom = new Map<TraceNode, TraceNode>();
  for (const start of calls) {
    let node: TraceNode | undefined = start;
    while (node !== undefined && !seenFrom.has(node)) {
      seenFrom.set(node, start);
      node = outers.get(node);
    }
    // What an earlier walk came to has no circle any more.
    if (node === undefined || seenFrom.get(node) !== start) continue;
    const circle = [node];
    for (let next = outers.get(node); next !== undefined && next !== node; next = outers.get(next)) circle.push(next);
    const lowest = circle.reduce((a, b) => (a.spanId < b.spanId ? a : b));
    const outermost = circle.find((call) => outers.get(call) === lowest);
    if (outermost !== undefined) outers.delete(outermost);
  }
}

/** A call and what is known to be about it, while its ancestors are gone through. */
class Chain {
  readonly call: TraceNode;
  readonly views: TraceNode[] = [];
  within: TraceNode | null = null;
  /** Of the call and its views. */
  readonly facts: SpanFacts[];

  constructor(call: TraceNode) {
    this.call = call;
    this.facts = [...factsOfNode(call)];
  }

  addView(view: TraceNode): void {
    this.views.push(view);
    this.facts.push(...factsOfNode(view));
  }
}

const NO_VIEWS: readonly TraceNode[] = [];

function unitOf(trace: Trace, { call, views, within }: Pick<CallUnit, 'call' | 'views' | 'within'>): CallUnit {
  const above = [...ancestors(trace, call)];
  const context = views.length === 0 ? above : above.filter((node) => !views.includes(node));
  return { trace, call, views, within, context };
}

/** `outers`: of each call the nearest call span around it. Goes from the innermost calls up. */
function findChains(calls: readonly TraceNode[], outers: ReadonlyMap<TraceNode, TraceNode>): readonly Chain[] {
  /** How many calls directly inside each have not been gone through. */
  const open = new Map<TraceNode, number>();
  for (const outer of outers.values()) open.set(outer, (open.get(outer) ?? 0) + 1);
  const chains: Chain[] = [];
  const reaching = new Map<TraceNode, Chain[]>();
  const ready = calls.filter((call) => !open.has(call));
  for (const call of ready) {
    const inner = reaching.get(call) ?? [];
    let goingOn = inner.length === 0 ? [] : viewedFrom(call, inner);
    if (goingOn.length === 0) {
      const own = new Chain(call);
      chains.push(own);
      goingOn = [own];
    }
    const outer = outers.get(call);
    if (outer === undefined) continue;
    const present = reaching.get(outer);
    if (present === undefined) reaching.set(outer, [...goingOn]);
    else present.push(...goingOn);
    const left = (open.get(outer) ?? 0) - 1;
    open.set(outer, left);
    if (left === 0) ready.push(outer);
  }
  return chains;
}

/**
 * The calls inside that an outer span is a view of; none when it is another call than each of them.
 * Around several it is a view of none alone, unless all but one are attempts that failed. It may have the
 * response id of one, the last, which proves nothing about the others; but of another kind of work it says
 * nothing at all.
 */
function viewedFrom(outer: TraceNode, inner: readonly Chain[]): Chain[] {
  const about = factsOfNode(outer);
  const answered = inner.filter(({ facts }) => !isFailure(facts));
  const proofs = new Map(inner.map((chain) => [chain, provesOther(about, chain.facts)]));
  const isOther = (answered.length === 0 ? inner : answered).every((chain) => proofs.get(chain) !== null);
  const goingOn = isOther ? [] : inner.filter((chain) => proofs.get(chain) !== 'kind');
  for (const chain of inner) if (isOther || proofs.get(chain) === 'kind') chain.within = outer;
  const [viewed, another] = goingOn.length === 1 ? goingOn : goingOn.filter(({ facts }) => !isFailure(facts));
  if (another === undefined) viewed?.addView(outer);
  return goingOn;
}

/** The nearest call span above, unless other work begins before. */
function outerCall(trace: Trace, call: TraceNode): TraceNode | undefined {
  for (const node of ancestors(trace, call)) {
    if (node.fact?.boundary !== undefined) return undefined;
    if (isCall(node)) return node;
  }
  return undefined;
}

export function compareUnits(a: CallUnit, b: CallUnit): number {
  return compareIdentity(identityOf(a), identityOf(b));
}

export function compareIdentity(a: SpanIdentity, b: SpanIdentity): number {
  return compareText(a.traceId, b.traceId) || compareText(a.spanId, b.spanId);
}

export function identityOf({ trace, call }: CallUnit): SpanIdentity {
  return { traceId: trace.traceId, spanId: call.spanId };
}

export function startOf({ call }: CallUnit): string {
  return call.fact?.startedAt ?? call.details[0]?.startedAt ?? '';
}

export function endOf(unit: CallUnit): string {
  return unit.call.fact?.endedAt ?? unit.call.details.at(-1)?.startedAt ?? startOf(unit);
}

/** Of the call, as far as anybody knows it. */
export function responseIdOf(unit: CallUnit): string | undefined {
  return responseIdIn(factsOfUnit(unit));
}

/** What its span, its views and their log records say about the call, the innermost first. */
export function factsOfUnit({ call, views }: CallUnit): readonly SpanFacts[] {
  return views.length === 0 ? factsOfNode(call) : [call, ...views].flatMap(factsOfNode);
}
