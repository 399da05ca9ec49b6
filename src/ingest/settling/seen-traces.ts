/**
 * Which traces, and which keys that traces share, may be in the store beyond what memory holds of
 * them: what left memory, what an earlier process stored, and what other replicas told of.
 */

import type { TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { keysOfColumns } from '../content/shared-keys.ts';
import { Seen } from './seen.ts';
import type { TraceState } from './trace-state.ts';

// What the store is asked at the start, so that late facts of recent traces find them: half a second at most.
const REMEMBER_MS = DAY_MS;
const REMEMBER_MAX = 200_000;
// A trace has up to so many.
const KEYS_PER_TRACE = 3;

export class SeenTraces {
  readonly #clock: Clock;
  readonly #traces: Seen;
  readonly #keys: Seen;

  /** Remembers at least `most` of the last traces, and as many keys. */
  constructor(most: number, clock: Clock) {
    this.#clock = clock;
    this.#traces = new Seen(most, clock.now());
    this.#keys = new Seen(most, clock.now());
  }

  /** Learns what earlier processes stored lately. */
  async load(log: Pick<TelemetryLog, 'recentTraces' | 'recentShared'>): Promise<void> {
    const since = addMillis(this.#clock.now(), -REMEMBER_MS);
    const tracesMost = Math.min(REMEMBER_MAX, this.#traces.keysMax);
    const traces = await log.recentTraces(since, tracesMost);
    for (const { traceId } of traces) this.#traces.add(traceId, since);
    this.#traces.setCoveredSince(coveredSince(traces, tracesMost, since));
    const sharedMost = Math.min(REMEMBER_MAX, Math.floor(this.#keys.keysMax / KEYS_PER_TRACE));
    const shared = await log.recentShared(since, sharedMost);
    for (const columns of shared) for (const key of keysOfColumns(columns)) this.#keys.add(key, since);
    this.#keys.setCoveredSince(coveredSince(shared, sharedMost, since));
  }

  /** A trace that leaves memory. */
  leaves({ key, keys }: TraceState): void {
    const now = this.#clock.now();
    this.#traces.add(key, now);
    for (const each of keys) this.#keys.add(each, now);
  }

  /** Whether something of this trace may be in the store; `since` is when it can have come at the earliest. */
  mayHaveTrace(id: string, since: Timestamp): boolean {
    return this.#traces.mayHave(id, since);
  }

  /** The same of a key, in whatever trace. */
  mayHaveKey(key: string, since: Timestamp): boolean {
    return this.#keys.mayHave(key, since);
  }

  /** Another replica has stored facts of this trace. Returns whether it was here as well. */
  traceElsewhere(id: string): boolean {
    this.#traces.addElsewhere(id, this.#clock.now());
    return this.#traces.wasHere(id);
  }

  /** The same of a key. */
  keyElsewhere(key: string): boolean {
    this.#keys.addElsewhere(key, this.#clock.now());
    return this.#keys.wasHere(key);
  }
}

/** Of an answer with the newest first: what is older than its last is only known if nothing was cut off. */
function coveredSince(
  newestFirst: readonly { readonly receivedAt: Timestamp }[],
  most: number,
  since: Timestamp,
): Timestamp {
  return newestFirst.length < most ? since : (newestFirst.at(-1)?.receivedAt ?? since);
}
