/** What is in memory of a trace that is being settled, and of traces that are settled together. */

import type { Received } from '../../contract/telemetry-log.ts';
import type { FactLine } from '../content/fact-rows.ts';
import type { SpoolPosition } from '../spool/position.ts';
import type { Written } from './written.ts';

/** What has as many facts is seldom settled as a whole, and not read, settled or written anew for every few that come. */
export const LARGE_TRACE_FACTS = 1_000;

/** What makes a trace doubtful. */
export interface Told {
  /** When another replica received facts of it; null when it is not known that there are any. */
  readonly received: Received | null;
}

export interface TraceState {
  /** The trace id; for a record outside any trace, a key of its own. */
  readonly key: string;
  /** Of one span several, when it was sent with different content. */
  facts: FactLine[];
  /** Of their lines. */
  bytes: number;
  /** Under which other traces may tell of the same calls. */
  keys: string[];
  /** With those that may; null while there is none. */
  group: TraceGroup | null;
  /** Invocations of this trace in the store; null while there is none. */
  written: readonly Written[] | null;
  /** Index of `facts`, once there are many. */
  byIdentity: Map<string, FactLine[]> | null;
  /** False when the store may hold more of this trace than is in memory, or other calls of it. */
  isWhole: boolean;
  /** Whether it was at any time: what is missing since is what was told. */
  wasWhole: boolean;
  /** What was told since the store was last asked for it; null: nothing. */
  told: Told | null;
  /** Facts that came since it was last settled. */
  dirtyFacts: number;
  /** Monotonic milliseconds, whole ones: others are objects of their own. */
  dirtySinceMs: number;
  lastAddedMs: number;
  dirtyFrom: SpoolPosition;
  /** True once it takes no more facts. */
  isSealed: boolean;
  /**
   * As it is settled next, see `TraceGroups`: in which round that was noted, 0 once it was settled so,
   * and how many of its facts there were then. What comes later is settled later, and delays nothing.
   */
  notedIn: number;
  notedFacts: number;
  notedDirtyFacts: number;
  /** Of the unsettled facts that came later: when the first came, and the oldest place in the spool. */
  laterSinceMs: number;
  laterFrom: SpoolPosition;
  /** Not before: a large trace that keeps growing is settled less often. */
  notBeforeMs: number;
  /** Not before: what is new of it is shown alone until then. */
  newNotBeforeMs: number;
  /** Of how many of its facts the calls are in the store. */
  shownFacts: number;
  /** Of a large trace, the parents' ids of those of its facts that have been read; see `surroundings.ts`. */
  parents: string[] | null;
}

/**
 * Traces that are settled together. A trace is in one group only: else what one group knows of a
 * call would be undone by the next.
 */
export interface TraceGroup {
  readonly traces: Set<TraceState>;
  facts: number;
  /** Like those of a trace. */
  notBeforeMs: number;
  newNotBeforeMs: number;
}

export function newTrace(key: string, isWhole: boolean, nowMs: number): TraceState {
  return {
    key,
    facts: NO_FACTS,
    bytes: 0,
    byIdentity: null,
    keys: NO_KEYS,
    group: null,
    written: null,
    isWhole,
    wasWhole: isWhole,
    told: null,
    dirtyFacts: 0,
    isSealed: false,
    notedIn: 0,
    notedFacts: 0,
    notedDirtyFacts: 0,
    laterSinceMs: nowMs,
    laterFrom: 0 as SpoolPosition,
    dirtySinceMs: nowMs,
    lastAddedMs: nowMs,
    dirtyFrom: 0 as SpoolPosition,
    notBeforeMs: 0,
    newNotBeforeMs: 0,
    shownFacts: 0,
    parents: null,
  };
}

// Never added to.
export const NO_FACTS: FactLine[] = [];
const NO_KEYS: string[] = [];

export function toldOfBoth(one: Told | null, other: Told): Told {
  if (one === null || one.received === null) return other;
  if (other.received === null) return one;
  const [a, b] = [one.received, other.received];
  return { received: { first: a.first < b.first ? a.first : b.first, last: a.last > b.last ? a.last : b.last } };
}

/** Of the trace and those that are settled with it. */
export function factsWith(trace: TraceState): number {
  return trace.group === null ? trace.facts.length : trace.group.facts;
}

/** Made when there is none. */
export function groupOf(trace: TraceState): TraceGroup {
  trace.group ??= { traces: new Set([trace]), facts: trace.facts.length, notBeforeMs: 0, newNotBeforeMs: 0 };
  return trace.group;
}

export function leave(group: TraceGroup, trace: TraceState): void {
  group.traces.delete(trace);
  group.facts -= trace.facts.length;
  trace.group = null;
  if (group.traces.size > 1) return;
  for (const last of group.traces) last.group = null;
}
