/**
 * Traces that are settled together, because they may tell of the same calls. The store is asked
 * about the groups of a round first; each has its turn later, as it was then. What comes in between
 * waits for a round of its own: some model servers give every call the same few ids, and their
 * groups change all the time.
 */

import type { TraceState } from './trace-state.ts';
import type { TraceWindow } from './trace-window.ts';

export interface NotedGroups {
  /** One trace of each group, in the order in which they were due. */
  readonly firsts: readonly TraceState[];
  /** Whether any of them is among those that are being written. */
  readonly isBeingWritten: boolean;
}

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
      const group = groupOf(trace);
      this.#noted.set(trace, group);
      for (const each of group) {
        this.#window.note(each, this.#round);
        isBeingWritten ||= beingWritten.has(each);
        if (each.dirtyFacts === 0) this.#relatives.add(each);
      }
    }
    return { firsts: [...this.#noted.keys()], isBeingWritten };
  }

  /** The noted group of this trace. */
  asNoted(first: TraceState): readonly TraceState[] {
    return this.#noted.get(first) ?? NONE;
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
}

const NONE: readonly TraceState[] = [];

function groupOf(trace: TraceState): readonly TraceState[] {
  return trace.group === null ? [trace] : [...trace.group.traces];
}
