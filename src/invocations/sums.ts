/**
 * Sums of an agent's requests that stand beside these, or in another trace: where the requests are told of one by
 * one, their sum is no call. Of one around them the tree decides. Pure.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { compareText } from '../lib/compare.ts';
import { addMillis } from '../lib/time.ts';

// What shows it may begin before the span of who waits for the answer.
const BEGINS_BEFORE_MS = 10_000;
/** Nobody nests deeper; a circle ends here too. */
export const ANCESTORS_MAX = 256;

/** The facts, of which sums whose parts are told of are no calls. */
export function withoutToldSums(facts: readonly SpanFacts[]): readonly SpanFacts[] {
  if (!facts.some(isRunSum)) return facts;
  const told = Map.groupBy(
    facts.filter((fact) => fact.run !== undefined && !isRunSum(fact)),
    runOf,
  );
  if (told.size === 0) return facts;
  for (const list of told.values()) list.sort((a, b) => compareText(a.startedAt, b.startedAt));
  const spans = facts.filter(({ signal }) => signal === 'span');
  const parents = new Map(spans.map((span) => [`${span.traceId}/${span.spanId}`, span.parentSpanId]));
  return facts.map((fact) =>
    isRunSum(fact) && isTold(fact, told.get(runOf(fact)) ?? [], parents) ? wrapperOf(fact) : fact,
  );
}

function isRunSum({ role, isSum }: SpanFacts): boolean {
  return isSum === true && role === 'call';
}

/** Runs without a name are those of their traces. */
function runOf({ run = '', traceId }: SpanFacts): string {
  return run === '' ? `/${traceId}` : run;
}

/** `others` are in order of start. */
function isTold(sum: SpanFacts, others: readonly SpanFacts[], parents: ReadonlyMap<string, string>): boolean {
  const [from, until] = [addMillis(sum.startedAt, -BEGINS_BEFORE_MS), sum.endedAt ?? sum.startedAt];
  for (let at = firstSince(others, from); at < others.length; at++) {
    const other = others[at] as SpanFacts;
    if (other.startedAt > until) return false;
    if (!isInside(other, sum, parents)) return true;
  }
  return false;
}

function firstSince(facts: readonly SpanFacts[], from: string): number {
  let [low, high] = [0, facts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((facts[middle] as SpanFacts).startedAt < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a program tells by records, and not by spans, has the span that it was started in, and is no part of a tree. */
function isInside(fact: SpanFacts, sum: SpanFacts, parents: ReadonlyMap<string, string>): boolean {
  if (fact.traceId !== sum.traceId || (fact.signal === 'log' && fact.spanId === sum.spanId)) return false;
  let id = fact.spanId;
  for (let depth = 0; id !== '' && depth < ANCESTORS_MAX; depth++) {
    if (id === sum.spanId) return true;
    id = parents.get(`${fact.traceId}/${id}`) ?? '';
  }
  return false;
}

/** What went into the agent is not what went into each of its calls. */
export function wrapperOf(sum: SpanFacts): SpanFacts {
  const { input: _input, system: _system, ...rest } = sum;
  return { ...rest, role: 'wrapper' };
}
