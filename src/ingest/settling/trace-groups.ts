/**
 * Traces that are settled together, because they may tell of the same calls. The store is asked
 * about the groups of a round first; each has its turn later, if it is still what it was then.
 */

import type { TraceState, TraceWindow } from './trace-window.ts';

export interface NotedGroups {
  /** One trace of each group, in the order in which they were due. */
  readonly firsts: readonly TraceState[];
  /** Whether any of them is among those that are being written. */
  readonly isBeingWritten: boolean;
}

// Where keys are not unique, chains of traces must end somewhere.
const GROUP_TRACES_MAX = 64;

export class TraceGroups {
  readonly #window: TraceWindow;
  /** How often groups were noted. */
  #round = 0;
  /** Of the noted groups, the traces with which nothing is new. */
  readonly #relatives = new Set<TraceState>();

  constructor(window: TraceWindow) {
    this.#window = window;
  }

  /** The groups of these traces as they are now. */
  note(due: readonly TraceState[], beingWritten: ReadonlyMap<TraceState, unknown>): NotedGroups {
    this.#round += 1;
    this.#relatives.clear();
    const firsts: TraceState[] = [];
    let isBeingWritten = false;
    for (const trace of due) {
      if (trace.notedIn === this.#round) continue;
      firsts.push(trace);
      for (const each of this.#groupOf(trace)) {
        each.notedIn = this.#round;
        each.notedFacts = each.dirtyFacts;
        isBeingWritten ||= beingWritten.has(each);
        if (each.dirtyFacts === 0) this.#relatives.add(each);
      }
    }
    return { firsts, isBeingWritten };
  }

  /** The group of this trace; null when it has changed since it was noted, is not whole, or was settled with another. */
  asNoted(first: TraceState): readonly TraceState[] | null {
    const group = this.#groupOf(first);
    // Not whole: another replica has told of more since the store was asked.
    const isAsNoted = group.every(
      ({ notedIn, notedFacts, dirtyFacts, isWhole }) => isWhole && notedIn === this.#round && notedFacts === dirtyFacts,
    );
    return isAsNoted ? group : null;
  }

  /** Whether the trace is needed to settle others. */
  isRelative(trace: TraceState): boolean {
    return this.#relatives.has(trace);
  }

  /** All that were noted have had their turn. */
  settled(): void {
    this.#relatives.clear();
  }

  /** The trace and those that share a key with it, directly or through another. */
  #groupOf(trace: TraceState): readonly TraceState[] {
    const window = this.#window;
    if (trace.keys.every((key) => window.sharing(key).length === 0)) return [trace];
    const group = new Set([trace]);
    for (const member of group) {
      for (const shared of member.keys) {
        for (const key of window.sharing(shared)) {
          const other = window.get(key);
          if (other !== undefined && group.size < GROUP_TRACES_MAX) group.add(other);
        }
      }
    }
    return [...group];
  }
}
