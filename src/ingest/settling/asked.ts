/** What the store was asked in one round of settling: nothing is asked for twice, and not too much at once. */

import { toldOfBoth, type Told, type TraceState } from './trace-state.ts';

export class Asked {
  /** Keys that need not be looked for again. */
  readonly keys = new Set<string>();
  readonly #traces = new Set<TraceState>();
  /** How much of traces was read. */
  facts = 0;
  bytes = 0;
  readonly #factsMax: number;
  readonly #bytesMax: number;

  /** The rest waits for the next round: hundreds of traces of a thousand spans each may be settled again at once. */
  constructor(factsMax: number, bytesMax: number) {
    this.#factsMax = factsMax;
    this.#bytesMax = bytesMax;
  }

  clear(): void {
    this.keys.clear();
    this.#traces.clear();
    this.facts = 0;
    this.bytes = 0;
  }

  get isEnough(): boolean {
    return this.facts >= this.#factsMax || this.bytes >= this.#bytesMax;
  }

  /** Whether something of the trace was read. */
  has(trace: TraceState): boolean {
    return this.#traces.has(trace);
  }

  /** Whether something of it has to be read before it is settled. */
  isMissing(trace: TraceState): boolean {
    return !trace.isWhole && (trace.told !== null || !this.#traces.has(trace));
  }

  /** To be called before the store is asked: whoever hears meanwhile that there is more in it says so again. */
  begin(trace: TraceState, isWhole: boolean): Told | null {
    const { told } = trace;
    this.#traces.add(trace);
    trace.told = null;
    trace.isWhole = isWhole;
    return told;
  }

  /** Nothing was read after all. */
  undo(trace: TraceState, told: Told | null): void {
    this.#traces.delete(trace);
    trace.isWhole = false;
    if (told !== null) trace.told = toldOfBoth(trace.told, told);
  }
}
