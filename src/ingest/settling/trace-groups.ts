/**
 * Traces that are settled together, because they may tell of the same calls. The store is asked
 * about the groups of a round first; each has its turn later, as it was then. What comes in between
 * waits for a round of its own: some model servers give every call the same few ids, and their
 * groups change all the time.
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
  /** By their firsts. */
  readonly #noted = new Map<TraceState, readonly TraceState[]>();
  /** Of the noted groups, the traces with which nothing is new. */
  readonly #relatives = new Set<TraceState>();

  constructor(window: TraceWindow) {
    this.#window = window;
  }

  /** The groups of these traces as they are now. */
  note(due: readonly TraceState[], beingWritten: ReadonlyMap<TraceState, unknown>): NotedGroups {
    this.#round += 1;
    this.settled();
    let isBeingWritten = false;
    for (const trace of due) {
      if (trace.notedIn === this.#round) continue;
      const group = this.#groupOf(trace);
      this.#noted.set(trace, group);
      for (const each of group) {
        this.#window.note(each, this.#round);
        isBeingWritten ||= beingWritten.has(each);
        if (each.dirtyFacts === 0) this.#relatives.add(each);
      }
    }
    return { firsts: [...this.#noted.keys()], isBeingWritten };
  }

  /** The noted group of this trace; null when one of it is not whole, or was settled with another. */
  asNoted(first: TraceState): readonly TraceState[] | null {
    const group = this.#noted.get(first);
    // Not whole: another replica has told of more since the store was asked.
    return group?.every(({ isWhole, notedIn }) => isWhole && notedIn === this.#round) ? group : null;
  }

  /** Whether the trace is needed to settle others. */
  isRelative(trace: TraceState): boolean {
    return this.#relatives.has(trace);
  }

  /** All that were noted have had their turn. */
  settled(): void {
    this.#noted.clear();
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
