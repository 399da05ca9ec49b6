/**
 * Spans of one trace may come to different replicas, and settled apart its calls would count twice.
 * So each replica tells the others which traces and shared keys it has just stored facts of, and
 * looks often at what they tell: what both have is settled by both from all that is stored, with
 * the same result.
 */

import { randomUUID } from 'node:crypto';
import type { Component } from '../../contract/component.ts';
import type { Period, Received, TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { settlesWithin, sleep } from '../../lib/limits.ts';
import { receivedAtOf, type FactLine } from '../content/fact-rows.ts';
import type { PatientWriter } from '../loading/patient-writer.ts';
import { countSightings } from '../metrics.ts';

export interface SightingsOptions {
  readonly log: TelemetryLog;
  readonly writer: PatientWriter;
  readonly clock: Clock;
  /** Called for what another replica has stored facts of. */
  readonly onSighted: (traces: readonly string[], keys: readonly string[], received: Received) => Promise<void>;
  /** Called before another replica prices calls anew. */
  readonly onRepricing: (period: Period) => void;
  /** Between two looks. */
  readonly lookMs: number;
  /** Called when looking begins to fail. */
  readonly onError: (error: unknown) => void;
}

// An insert may take a while from its time to its end: one that takes a minute has failed, and is told anew.
const LATE_MS = 75_000;
// What was told before this was settled with what the others told, if they told anything.
const HEARD_MS = 10_000;
// What was told is gone after an hour; and while the store is away nobody has anything to tell.
const LOOK_BACK_MAX_MS = 3_600_000;
// By then each replica has looked, and written what it had settled before.
const LOOKS_UNTIL_HEARD = 8;

interface Said {
  readonly traces: readonly string[];
  readonly keys: readonly string[];
  readonly received: Received;
  readonly repriced?: Period;
}

/** Of no facts. */
const NEVER = '1970-01-01T00:00:00.000000000Z' as Timestamp;

export class Sightings implements Component {
  readonly name = 'ingest-sightings';
  readonly #options: SightingsOptions;
  readonly #replica = randomUUID();
  readonly #abort = new AbortController();
  /** When each was read, oldest first. */
  readonly #known = new Map<string, number>();
  /** What was told within `HEARD_MS`, oldest first. */
  #told: (Said & { readonly atMs: number })[] = [];
  #number = 0;
  #lookedMs: number;
  #running: Promise<void> | null = null;

  constructor(options: SightingsOptions) {
    this.#options = options;
    this.#lookedMs = options.clock.monotonicMs();
  }

  start(): Promise<void> {
    this.#running ??= this.#run();
    return Promise.resolve();
  }

  /**
   * To be called when all is settled. What the others have told in the last moment is not heard here
   * any more, and calls may have been written without it: they are told again, and mend them.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#abort.abort();
    // A look that the store does not answer changes nothing any more.
    await settlesWithin(this.#running ?? Promise.resolve(), deadlineMs);
    this.#forgetHeard();
    // A store that does not answer has no calls that were written meanwhile either.
    await this.#write(this.#told, AbortSignal.timeout(deadlineMs)).catch(() => {});
  }

  /** To be called when the facts are in the store, so that whoever hears of them finds them there. */
  async tell(facts: readonly FactLine[], signal: AbortSignal): Promise<void> {
    const [traces, keys] = [new Set<string>(), new Set<string>()];
    for (const fact of facts) {
      if (fact.traceId !== '') traces.add(fact.traceId);
      for (const key of fact.keys) keys.add(key);
    }
    if (traces.size === 0 && keys.size === 0) return;
    const said = { traces: [...traces], keys: [...keys], received: receivedWithin(facts) };
    await this.#write([said], signal);
    this.#forgetHeard();
    this.#told.push({ ...said, atMs: this.#options.clock.monotonicMs() });
  }

  /** Resolves when the others have heard of it. */
  async tellRepricing(repriced: Period): Promise<void> {
    const { signal } = this.#abort;
    await this.#write([{ traces: [], keys: [], received: { first: NEVER, last: NEVER }, repriced }], signal);
    await sleep(LOOKS_UNTIL_HEARD * this.#options.lookMs, signal);
  }

  async #write(all: readonly Said[], signal: AbortSignal): Promise<void> {
    const rows = all.map(({ traces, keys, received: { first, last }, repriced }) => {
      this.#number += 1;
      const row = { replica: this.#replica, number: this.#number, traces, keys };
      const period = repriced === undefined ? {} : { repriced: [repriced.from, repriced.to] };
      return `${JSON.stringify({ ...row, received_first: first, received_last: last, ...period })}\n`;
    });
    await this.#options.writer.write('sightings', Buffer.from(rows.join('')), signal);
  }

  #forgetHeard(): void {
    const sinceMs = this.#options.clock.monotonicMs() - HEARD_MS;
    this.#told = this.#told.filter(({ atMs }) => atMs >= sinceMs);
  }

  async #run(): Promise<void> {
    const { lookMs, onError } = this.#options;
    const { signal } = this.#abort;
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await this.#look();
        isFailing = false;
      } catch (error) {
        if (!isFailing) onError(error);
        isFailing = true;
      }
      await sleep(lookMs, signal).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const { log, clock, onSighted, onRepricing } = this.#options;
    const startMs = clock.monotonicMs();
    const withinMs = Math.min(startMs - this.#lookedMs + LATE_MS, LOOK_BACK_MAX_MS);
    for (let isMore = true; isMore && !this.#abort.signal.aborted;) {
      const told = await log.sightings(this.#replica, withinMs / 1_000, [...this.#known.keys()]);
      for (const { replica, number, traces, keys, received, repriced } of told) {
        if (repriced === null) await onSighted(traces, keys, received);
        else onRepricing(repriced);
        this.#known.set(`${replica}/${number}`, startMs);
        countSightings(traces.length);
      }
      isMore = told.length > 0;
    }
    this.#lookedMs = startMs;
    for (const [key, readMs] of this.#known) {
      // Read again it would only cost time; but what is too old to be asked for need not be known.
      if (startMs - readMs < 2 * LATE_MS) break;
      this.#known.delete(key);
    }
  }
}

/** Of at least one. */
function receivedWithin(facts: readonly FactLine[]): Received {
  let [first, last] = [receivedAtOf(facts[0] as FactLine), receivedAtOf(facts[0] as FactLine)];
  for (const line of facts) {
    const at = receivedAtOf(line);
    if (at < first) first = at;
    if (at > last) last = at;
  }
  return { first, last };
}
