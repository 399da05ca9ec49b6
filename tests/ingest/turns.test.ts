/** When a trace that goes on growing is settled. */

import { expect, it } from 'vitest';
import { LARGE_TRACE_FACTS, newTrace, type TraceState } from '../../src/ingest/settling/trace-state.ts';
import { rest, turnOf } from '../../src/ingest/settling/turns.ts';
import type { FactLine } from '../../src/ingest/content/fact-rows.ts';

const LIMITS = { quietMs: 1_000, provisionalMs: 2_500 };

/** Of one that got its first fact at 0, and its last a moment ago, when it has its first turn. */
function firstTurnMs(facts: number): number {
  const trace = newTrace('a trace', true, 0);
  trace.facts = Array.from({ length: facts }, () => ({}) as FactLine);
  return nextTurn(trace, 0).nowMs;
}

function nextTurn(trace: TraceState, sinceMs: number): { readonly nowMs: number; readonly turn: string } {
  for (let nowMs = sinceMs; nowMs < 60_000; nowMs += 100) {
    trace.lastAddedMs = nowMs;
    const turn = turnOf(trace, { nowMs, heardUpToMs: nowMs }, LIMITS);
    if (turn !== null) return { nowMs, turn };
  }
  throw new Error('It never had its turn.');
}

it('waits less the more has come', () => {
  expect(firstTurnMs(LARGE_TRACE_FACTS - 1)).toBe(LIMITS.provisionalMs);
  expect(firstTurnMs(LARGE_TRACE_FACTS)).toBe(LIMITS.quietMs);
});

it('waits less only for what is not shown yet, of which alone it then has its turn', () => {
  const trace = newTrace('a trace', true, 0);
  trace.facts = Array.from({ length: LARGE_TRACE_FACTS * 2 }, () => ({}) as FactLine);
  rest(trace, 'whole', 1_000, 2_000, LIMITS);
  trace.dirtySinceMs = 2_000;
  trace.shownFacts = LARGE_TRACE_FACTS + 1;
  expect(nextTurn(trace, 2_000)).toEqual({ nowMs: 2_000 + LIMITS.provisionalMs, turn: 'new' });
  trace.shownFacts = LARGE_TRACE_FACTS;
  expect(nextTurn(trace, 2_000)).toEqual({ nowMs: 2_000 + LIMITS.quietMs, turn: 'new' });
});

it('is quiet once nothing of it was received for a while, and all that may have come with it is here', () => {
  const trace = newTrace('a trace', true, 0);
  trace.facts = [{} as FactLine];
  const turnAt = (nowMs: number, heardUpToMs: number): string | null => turnOf(trace, { nowMs, heardUpToMs }, LIMITS);
  expect(turnAt(LIMITS.quietMs - 1, LIMITS.quietMs - 1)).toBeNull();
  expect(turnAt(LIMITS.quietMs, 299)).toBeNull();
  expect(turnAt(LIMITS.quietMs, 300)).toBe('whole');
  // Loading may be far behind: what is here is shown all the same.
  expect(turnAt(LIMITS.provisionalMs, 0)).toBe('whole');
});
