/** When a trace that waits has its turn, and whether for all of it. */

import type { Asked } from './asked.ts';
import { LARGE_TRACE_FACTS, type TraceState } from './trace-state.ts';

export interface TurnLimits {
  /** No new facts for so long: the trace is settled. */
  readonly quietMs: number;
  /** A trace that is not quiet is settled provisionally after so long. */
  readonly provisionalMs: number;
}

/** What the settler knows of time. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** All that was received until then is here. */
  readonly heardUpToMs: number;
}

/** What is settled: all of a trace, or what is new of one whose whole has to wait. */
export type Turn = 'whole' | 'new';

// What was sent together comes within this. It may be loaded a batch later, and is waited for.
const FOLLOWS_WITHIN_MS = 300;
// How many times longer than settling took a growing trace waits: at most a twentieth of the time goes into it.
const GROWING_TRACE_FACTOR = 20;
// What is new of it seldom takes longer than a moment; but where it is most of the trace, it gets a third of the time at most.
const NEW_FACTOR = 2;

/** What comes that fast would take ever longer to be settled at once. */
export function isFast({ facts, shownFacts }: TraceState): boolean {
  return facts.length - shownFacts >= LARGE_TRACE_FACTS;
}

/** Null: not now. */
export function turnOf(trace: TraceState, { nowMs, heardUpToMs }: Moment, limits: TurnLimits): Turn | null {
  if (trace.isSealed) return 'whole';
  const { quietMs, provisionalMs } = limits;
  const patienceMs = isFast(trace) ? quietMs : provisionalMs;
  const isQuiet =
    nowMs - trace.lastAddedMs >= quietMs && heardUpToMs - trace.lastAddedMs >= Math.min(quietMs, FOLLOWS_WITHIN_MS);
  if (!isQuiet && nowMs - trace.dirtySinceMs < patienceMs) return null;
  const { group } = trace;
  if (nowMs >= trace.notBeforeMs && nowMs >= (group?.notBeforeMs ?? 0)) return 'whole';
  const hasNew = trace.wasWhole && (trace.facts.length > trace.shownFacts || trace.told?.received != null);
  return hasNew && nowMs >= trace.newNotBeforeMs && nowMs >= (group?.newNotBeforeMs ?? 0) ? 'new' : null;
}

/**
 * Whether a trace that has its turn can be settled with what was read of it. One of which others have told since waits
 * for the next round, so that half of a call is not taken for one; but not for ever: of some they tell all the time.
 */
export function isReady(trace: TraceState, asked: Asked, nowMs: number, limits: TurnLimits): boolean {
  return trace.isWhole || (asked.has(trace) && (trace.told === null || isOverdue(trace, nowMs, limits)));
}

/** Whether it has waited so long that it is settled with what was read of it once. */
export function isOverdue(trace: TraceState, nowMs: number, { provisionalMs }: TurnLimits): boolean {
  return nowMs - trace.dirtySinceMs >= provisionalMs;
}

/** To be called for each trace that had its turn when settling it, with those of its group, is over. `tookMs`: of the thread. */
export function rest(trace: TraceState, turn: Turn, tookMs: number, endMs: number, { quietMs }: TurnLimits): void {
  const { group } = trace;
  if (turn === 'whole') {
    trace.notBeforeMs = Math.ceil(endMs + tookMs * GROWING_TRACE_FACTOR);
    if (group !== null) group.notBeforeMs = trace.notBeforeMs;
  } else {
    // Else what comes to it span by span would be as many inserts.
    trace.newNotBeforeMs = Math.ceil(endMs + Math.max(tookMs * NEW_FACTOR, quietMs));
    if (group !== null) group.newNotBeforeMs = trace.newNotBeforeMs;
  }
}
