/**
 * What may bear on that which came to a large trace since it was settled. All of it takes too long to be
 * settled for every few new facts, so these are settled with their surroundings alone, once without and
 * once with what is new: what differs would differ in the whole as well. The whole has its turn later, and the last word.
 */

import type { Invocation } from '../../contract/invocation.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { Settled, SpanIdentity } from '../../invocations/settled.ts';
import { compareText } from '../../lib/compare.ts';
import type { Steps } from '../../lib/steps.ts';
import { readFacts, type FactLine } from '../content/fact-rows.ts';
import { LARGE_TRACE_FACTS, type TraceState } from './trace-state.ts';

// A span around more than this is hardly another view of a call; what it knows of the calls inside, the whole may tell.
const BELOW_MAX = 200;
// A second report beside a call begins with it, and a prompt was rendered right before; see `beside.ts` and `prompts.ts`.
const BESIDE_MAX = 64;
// Where all responses have one id, reports of one call are among the last; see `same-response.ts`.
const SHARING_MAX = 64;

export interface Surroundings {
  /** Known when the traces were last settled. */
  readonly known: readonly SpanFacts[];
  readonly fresh: readonly SpanFacts[];
}

export interface Difference {
  readonly added: readonly Invocation[];
  /** Of calls that are none of their own any more; see `callKey`. */
  readonly gone: ReadonlySet<string>;
}

/** What `fresh` changes. */
export function* differenceOf(
  { known, fresh }: Surroundings,
  settle: (facts: readonly SpanFacts[]) => Steps<Settled>,
): Steps<Difference> {
  const without = yield* settle(known);
  const gone = new Set(without.invocations.map(callKey));
  const { invocations } = yield* settle([...known, ...fresh]);
  return { added: invocations.filter((call) => !gone.delete(callKey(call))), gone };
}

export function callKey({ traceId, spanId }: SpanIdentity): string {
  return `${traceId}/${spanId}`;
}

/** For `surroundingsOf`, to be called with what a trace is settled with. */
export function rememberParents(trace: TraceState, facts: readonly SpanFacts[]): void {
  if (facts.length < LARGE_TRACE_FACTS) return;
  trace.parents ??= [];
  for (let at = trace.parents.length; at < facts.length; at += 1) {
    trace.parents.push((facts[at] as SpanFacts).parentSpanId);
  }
}

/** Of traces that are settled together, as they were noted. */
export function surroundingsOf(traces: readonly TraceState[]): Surroundings {
  const keys = new Map<string, number>();
  for (const { facts, shownFacts, notedFacts } of traces) {
    for (let at = shownFacts; at < notedFacts; at += 1) {
      for (const key of (facts[at] as FactLine).keys) keys.set(key, SHARING_MAX);
    }
  }
  const [known, fresh]: [SpanFacts[], SpanFacts[]] = [[], []];
  for (const trace of traces) {
    const sharing = keys.size === 0 ? [] : linesHaving(keys, trace);
    if (sharing.length === 0 && trace.shownFacts >= trace.notedFacts) continue;
    const picked = trace.parents === null ? everyFact(trace) : new Picked(trace, trace.parents, sharing).facts;
    for (const [at, facts] of picked) {
      (at < trace.shownFacts ? known : fresh).push(facts);
    }
  }
  return { known, fresh };
}

/** Where the known lines with these keys are, of each key as many as `keys` leaves room for, the last first. */
function linesHaving(keys: Map<string, number>, { facts, shownFacts }: TraceState): number[] {
  const having: number[] = [];
  for (let at = Math.min(shownFacts, facts.length) - 1; at >= 0; at -= 1) {
    for (const key of (facts[at] as FactLine).keys) {
      const room = keys.get(key);
      if (room === undefined || room === 0) continue;
      keys.set(key, room - 1);
      having.push(at);
    }
  }
  return having;
}

function everyFact({ facts, notedFacts }: TraceState): (readonly [number, SpanFacts])[] {
  return facts.slice(0, notedFacts).map((line, at) => [at, readFacts(line)] as const);
}

/** What is picked of one large trace. Facts are told by their place in it. */
class Picked {
  readonly facts = new Map<number, SpanFacts>();
  readonly #trace: TraceState;
  readonly #parents: readonly string[];
  readonly #bySpan = new Map<string, number[]>();
  readonly #byParent = new Map<string, number[]>();
  /** Those of `#byParent` that were looked for, by start. */
  readonly #siblings = new Map<string, readonly number[]>();
  readonly #read = new Map<number, SpanFacts>();
  /** Spans of which all that is above has been picked. */
  readonly #seen = new Set<string>();

  constructor(trace: TraceState, parents: string[], sharing: readonly number[]) {
    this.#trace = trace;
    this.#parents = parents;
    const { shownFacts, notedFacts } = trace;
    for (let at = parents.length; at < notedFacts; at += 1) parents.push(this.#factsAt(at).parentSpanId);
    for (let at = 0; at < notedFacts; at += 1) {
      push(this.#bySpan, this.#line(at).spanId, at);
      const parent = parents[at] as string;
      if (parent !== '') push(this.#byParent, parent, at);
    }
    for (const at of sharing) this.#pickAround(at);
    for (let at = shownFacts; at < notedFacts; at += 1) {
      if (this.#pickAround(at) && this.#factsAt(at).role === 'call') this.#pickBeside(at);
    }
    this.#leaveReportsOut();
  }

  /** What is above and below it, unless that is too much. Returns whether it is not. */
  #pickAround(at: number): boolean {
    const below = this.#below(at);
    if (below === null) return false;
    this.#pick(at);
    for (const each of below) this.#pick(each);
    return true;
  }

  /** With all that tells of the same span, and of those above. */
  #pick(at: number): void {
    const waiting = [this.#line(at).spanId];
    if (waiting[0] === '') this.facts.set(at, this.#factsAt(at));
    for (let spanId = waiting.pop(); spanId !== undefined; spanId = waiting.pop()) {
      if (spanId === '' || this.#seen.has(spanId)) continue;
      this.#seen.add(spanId);
      for (const each of this.#bySpan.get(spanId) ?? NONE) {
        this.facts.set(each, this.#factsAt(each));
        waiting.push(this.#parents[each] as string);
      }
    }
  }

  #below(at: number): readonly number[] | null {
    const below: number[] = [];
    const seen = new Set<string>();
    const waiting = [this.#line(at).spanId];
    for (let spanId = waiting.pop(); spanId !== undefined; spanId = waiting.pop()) {
      if (spanId === '' || seen.has(spanId)) continue;
      seen.add(spanId);
      const inside = this.#byParent.get(spanId) ?? NONE;
      if (below.length + inside.length > BELOW_MAX) return null;
      for (const each of inside) {
        below.push(each);
        waiting.push(this.#line(each).spanId);
      }
    }
    return below;
  }

  /** Of what has the same parent, what began nearest to it. */
  #pickBeside(at: number): void {
    const parent = this.#parents[at] as string;
    const siblings = this.#siblings.get(parent) ?? (this.#byParent.get(parent) ?? NONE).toSorted(this.#byStart);
    this.#siblings.set(parent, siblings);
    let [low, high] = [0, siblings.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#byStart(siblings[middle] as number, at) < 0) low = middle + 1;
      else high = middle;
    }
    for (const each of siblings.slice(Math.max(0, low - BESIDE_MAX / 2), low + BESIDE_MAX / 2)) this.#pick(each);
  }

  readonly #byStart = (one: number, other: number): number =>
    compareText(this.#line(one).startedAt, this.#line(other).startedAt);

  /** Which call a report is of can only be told among all calls, if there are any. */
  #leaveReportsOut(): void {
    const isSpan = ({ spanId }: SpanIdentity): boolean => this.#bySpan.has(spanId);
    if (this.#trace.written?.some(isSpan) !== true && !this.facts.values().some(({ role }) => role === 'call')) return;
    for (const [at, { role }] of this.facts) if (role === 'report') this.facts.delete(at);
  }

  #factsAt(at: number): SpanFacts {
    let facts = this.#read.get(at);
    if (facts === undefined) {
      facts = readFacts(this.#line(at));
      this.#read.set(at, facts);
    }
    return facts;
  }

  #line(at: number): FactLine {
    return this.#trace.facts[at] as FactLine;
  }
}

const NONE: readonly number[] = [];

function push(index: Map<string, number[]>, key: string, at: number): void {
  const present = index.get(key);
  if (present === undefined) index.set(key, [at]);
  else present.push(at);
}
