/** Judgements that arrive as records of their own find the call that they judge. */

import type { Evaluation } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import { compareText } from '../lib/compare.ts';
import type { CallGroup } from './across.ts';
import { reportIdentity } from './reports.ts';
import { type Trace, ancestors, byMaking } from './trace.ts';
import { type CallUnit, compareUnits, responseIdOf, startOf } from './units.ts';

/** A call as spans told of it, or the record that is all there is of one. */
type Call = CallGroup | SpanFacts;

type Judged = ReadonlyMap<Call, readonly Evaluation[]>;

export function attachEvaluations(
  traces: readonly Trace[],
  groups: readonly CallGroup[],
  reported: readonly SpanFacts[],
): Judged {
  const judged = new Map<Call, Evaluation[]>();
  if (traces.every((trace) => trace.evaluations.length === 0)) return judged;
  const targets = new Targets(groups, reported);
  for (const fact of traces.flatMap((trace) => trace.evaluations).toSorted(byMaking)) {
    const call = targets.of(fact);
    // What it judges may be unknown yet: it is settled again when that arrives.
    if (call === undefined) continue;
    const present = judged.get(call);
    if (present === undefined) judged.set(call, [...(fact.evaluations ?? [])]);
    else present.push(...(fact.evaluations ?? []));
  }
  return judged;
}

/** Calls by what a judgement may name. */
class Targets {
  readonly #byCallSpan = new Map<string, Call>();
  readonly #byResponse = new Map<string, Call>();
  readonly #byOuterSpan = new Map<string, Call>();
  /** In order of time. */
  readonly #byTrace = new Map<string, { readonly call: Call; readonly startedAt: string }[]>();

  constructor(groups: readonly CallGroup[], reported: readonly SpanFacts[]) {
    for (const report of reported.toSorted(byMaking)) this.#addReport(report);
    // In order of time, so that the last call under a span or of a response id is what stays.
    for (const group of groups.toSorted(
      (a, b) => compareText(startOf(a.owner), startOf(b.owner)) || compareUnits(a.owner, b.owner),
    )) {
      for (const unit of [group.owner, ...group.others]) this.#addUnit(unit, group);
    }
    for (const calls of this.#byTrace.values()) calls.sort((a, b) => compareText(a.startedAt, b.startedAt));
  }

  /**
   * It names the span of a call; or a response id, which is most likely of its own trace; or a span
   * around calls, of which the last made what was judged; or nothing but a trace. The most exact of these is believed.
   */
  of(fact: SpanFacts): Call | undefined {
    const { traceId, spanId, responseId } = fact;
    const span = `${traceId}/${spanId}`;
    return (
      this.#byCallSpan.get(span) ??
      (responseId === undefined
        ? undefined
        : (this.#byResponse.get(`${traceId}/${responseId}`) ?? this.#byResponse.get(`/${responseId}`))) ??
      this.#byOuterSpan.get(span) ??
      (spanId === '' ? this.#lastBefore(fact) : undefined)
    );
  }

  /** A trace may be a whole session, which goes on when one of its answers was judged. */
  #lastBefore({ traceId, startedAt }: SpanFacts): Call | undefined {
    const calls = this.#byTrace.get(traceId);
    // Where none is, two clocks differ.
    return (calls?.findLast((each) => each.startedAt <= startedAt) ?? calls?.at(-1))?.call;
  }

  #addReport(report: SpanFacts): void {
    const { traceId, spanId } = reportIdentity(report);
    this.#byCallSpan.set(`${traceId}/${spanId}`, report);
    this.#addCall(report.traceId, report.responseId, report, report.startedAt);
  }

  #addUnit(unit: CallUnit, group: CallGroup): void {
    const { traceId } = unit.trace;
    for (const { spanId } of [unit.call, ...unit.views]) this.#byCallSpan.set(`${traceId}/${spanId}`, group);
    this.#addCall(traceId, responseIdOf(unit), group, startOf(group.owner));
    let top = unit.call;
    for (const node of ancestors(unit.trace, unit.call)) {
      this.#byOuterSpan.set(`${traceId}/${node.spanId}`, group);
      top = node;
    }
    // The topmost known span's parent is known only by name: a root that says nothing is no fact.
    const parent = top.fact?.parentSpanId ?? '';
    if (parent !== '') this.#byOuterSpan.set(`${traceId}/${parent}`, group);
  }

  #addCall(traceId: string, responseId: string | undefined, call: Call, startedAt: string): void {
    if (responseId !== undefined) {
      this.#byResponse.set(`${traceId}/${responseId}`, call).set(`/${responseId}`, call);
    }
    if (traceId === '') return;
    const ofTrace = this.#byTrace.get(traceId);
    if (ofTrace === undefined) this.#byTrace.set(traceId, [{ call, startedAt }]);
    else ofTrace.push({ call, startedAt });
  }
}
