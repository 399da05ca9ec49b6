/** Judgements that arrive as records of their own find the call that they judge. */

import type { Evaluation } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import type { CallGroup } from './across.ts';
import { type Trace, ancestors } from './trace.ts';
import { compareText } from '../lib/compare.ts';
import { type CallUnit, compareUnits, responseIdOf, startOf } from './units.ts';

type Judged = ReadonlyMap<CallGroup, readonly Evaluation[]>;

export function attachEvaluations(traces: readonly Trace[], groups: readonly CallGroup[]): Judged {
  const judged = new Map<CallGroup, Evaluation[]>();
  if (traces.every((trace) => trace.evaluations.length === 0)) return judged;
  const targets = new Targets(groups);
  for (const fact of traces.flatMap((trace) => trace.evaluations)) {
    const group = targets.of(fact);
    // What it judges may be unknown yet: it is settled again when that arrives.
    if (group === undefined) continue;
    const present = judged.get(group);
    if (present === undefined) judged.set(group, [...(fact.evaluations ?? [])]);
    else present.push(...(fact.evaluations ?? []));
  }
  return judged;
}

/** Calls by what a judgement may name. */
class Targets {
  readonly #byCallSpan = new Map<string, CallGroup>();
  readonly #byResponse = new Map<string, CallGroup>();
  readonly #byOuterSpan = new Map<string, CallGroup>();

  constructor(groups: readonly CallGroup[]) {
    // In order of time, so that the last call under a span or of a response id is what stays.
    for (const group of groups.toSorted(
      (a, b) => compareText(startOf(a.owner), startOf(b.owner)) || compareUnits(a.owner, b.owner),
    )) {
      for (const unit of [group.owner, ...group.others]) this.#add(unit, group);
    }
  }

  /**
   * It names the span of a call; or a response id, which is most likely of its own trace; or a span
   * around calls, of which the last made what was judged. The most exact of these is believed.
   */
  of({ traceId, spanId, responseId }: SpanFacts): CallGroup | undefined {
    const span = `${traceId}/${spanId}`;
    return (
      this.#byCallSpan.get(span) ??
      (responseId === undefined
        ? undefined
        : (this.#byResponse.get(`${traceId}/${responseId}`) ?? this.#byResponse.get(`/${responseId}`))) ??
      this.#byOuterSpan.get(span)
    );
  }

  #add(unit: CallUnit, group: CallGroup): void {
    const { traceId } = unit.trace;
    for (const { spanId } of [unit.call, ...unit.views]) this.#byCallSpan.set(`${traceId}/${spanId}`, group);
    const responseId = responseIdOf(unit);
    if (responseId !== undefined) {
      this.#byResponse.set(`${traceId}/${responseId}`, group).set(`/${responseId}`, group);
    }
    let top = unit.call;
    for (const node of ancestors(unit.trace, unit.call)) {
      this.#byOuterSpan.set(`${traceId}/${node.spanId}`, group);
      top = node;
    }
    // The topmost known span's parent is known only by name: a root that says nothing is no fact.
    const parent = top.fact?.parentSpanId ?? '';
    if (parent !== '') this.#byOuterSpan.set(`${traceId}/${parent}`, group);
  }
}
