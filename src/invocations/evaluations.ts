/** Judgements that arrive as records of their own find the call that they judge. */

import type { Evaluation } from '../contract/invocation.ts';
import { type CallGroup, compareIdentity, identityOf, responseIdOf, startOf } from './across.ts';
import { type Trace, ancestors, compare } from './trace.ts';
import type { CallUnit } from './units.ts';

type Judged = ReadonlyMap<CallGroup, readonly Evaluation[]>;

/**
 * A judgement names a span: the call itself, or something around it, whose last call made what was
 * judged. Or it names a response id.
 */
export function attachEvaluations(traces: readonly Trace[], groups: readonly CallGroup[]): Judged {
  const byGroup = new Map<CallGroup, Evaluation[]>();
  if (traces.every((trace) => trace.evaluations.length === 0)) return byGroup;
  const bySpan = new Map<string, CallGroup>();
  const byResponse = new Map<string, CallGroup>();
  // In order of time, so that the last call under a span or of a response id is what stays.
  for (const group of groups.toSorted(
    (a, b) => compare(startOf(a.owner), startOf(b.owner)) || compareIdentity(identityOf(a.owner), identityOf(b.owner)),
  )) {
    for (const unit of [group.owner, ...group.others]) {
      for (const node of ancestors(unit.trace, unit.call)) bySpan.set(`${unit.trace.traceId}/${node.spanId}`, group);
      const parent = topOf(unit);
      if (parent !== '') bySpan.set(`${unit.trace.traceId}/${parent}`, group);
      const responseId = responseIdOf(unit);
      if (responseId !== undefined) byResponse.set(responseId, group);
    }
  }
  for (const group of groups) {
    for (const unit of [group.owner, ...group.others]) bySpan.set(`${unit.trace.traceId}/${unit.call.spanId}`, group);
  }
  for (const fact of traces.flatMap((trace) => trace.evaluations)) {
    const group = bySpan.get(`${fact.traceId}/${fact.spanId}`) ?? byResponse.get(fact.responseId ?? '');
    // What it judges may be unknown yet: it is settled again when that arrives.
    if (group === undefined) continue;
    const present = byGroup.get(group);
    if (present === undefined) byGroup.set(group, [...(fact.evaluations ?? [])]);
    else present.push(...(fact.evaluations ?? []));
  }
  return byGroup;
}

/** The id of the topmost known span's parent, which is known only by name: a root that says nothing is no fact. */
function topOf(unit: CallUnit): string {
  let top = unit.call;
  for (const node of ancestors(unit.trace, unit.call)) top = node;
  return top.fact?.parentSpanId ?? '';
}
