/**
 * Calls that were unknown may be known when a version is registered or a live text is learned: goes
 * through the unknown ones, newest first, in the background, and has them settled again.
 */

import type { Component } from '../../contract/component.ts';
import { describeError } from '../../contract/fault.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import type { TraceCursor, TrafficLog } from '../../contract/traffic-log.ts';
import { sleep } from '../../lib/limits.ts';
import { addMillis, DAY_MS, laterOf } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import type { AttributedBy } from './attributed-by.ts';

export interface AttributeAgainOptions {
  readonly traffic: Pick<TrafficLog, 'unattributed'>;
  /** Settles these traces again, which attributes their calls anew. */
  readonly resettle: (traceIds: readonly string[]) => void;
  /** Of everything that calls are attributed by now. */
  readonly ids: () => ReadonlySet<string>;
  readonly done: Pick<AttributedBy, 'covers' | 'write'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace?: Partial<AttributeAgainPace>;
}

export interface AttributeAgainPace {
  /** Several versions are usually registered at once, and calls arrive a little later than they were made. */
  readonly gatherMs: number;
  readonly batchTraces: number;
  /** Live traffic goes first: a batch a second keeps the settler free for it. */
  readonly pauseMs: number;
  /** After a failure of the store. */
  readonly retryMs: number;
  /** What was handed over last is settled and written by then. */
  readonly settledMs: number;
}

const PACE: AttributeAgainPace = {
  gatherMs: 3_000,
  batchTraces: 1_000,
  pauseMs: 1_000,
  retryMs: 60_000,
  settledMs: 15_000,
};
/** What was sent longer ago than any incident is investigated stays as it is. */
const LOOK_BACK_MS = 30 * DAY_MS;
/** The store is asked for a stretch of time at once; it doubles while there is little to find. */
const STRETCH_MS = 3_600_000;
const STRETCH_MS_MAX = 3 * DAY_MS;
const PROGRESS_EVERY_BATCHES = 30;

export class AttributeAgain implements Component {
  readonly name = 'attribute-again';
  readonly #options: AttributeAgainOptions;
  readonly #pace: AttributeAgainPace;
  readonly #stopping = new AbortController();
  #isStarted = false;
  #wanted = false;
  #running: Promise<void> | null = null;

  constructor(options: AttributeAgainOptions) {
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
  }

  start(): Promise<void> {
    this.#isStarted = true;
    if (this.#wanted) this.request();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The daemon stops.'));
    await this.#running;
  }

  /**
   * Returns at once. What is asked for during a run starts another one after it, and before `start` none: a daemon
   * that could not start would be kept alive by it, with a closed store.
   */
  request(): void {
    this.#wanted = true;
    if (!this.#isStarted || this.#running !== null || this.#stopping.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      // Asked for after the run had looked for the last time.
      if (this.#wanted) this.request();
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#wanted) {
      try {
        await sleep(this.#pace.gatherMs, signal);
        this.#wanted = false;
        await this.#passIfNeeded(signal);
      } catch (error) {
        if (signal.aborted) return;
        // Until then those calls stay unknown, which is true.
        this.#options.log.warn(
          { error: describeError(error), retryMs: this.#pace.retryMs },
          'unknown calls could not be attributed again; tried again later',
        );
        this.#wanted = true;
        await sleep(this.#pace.retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #passIfNeeded(signal: AbortSignal): Promise<void> {
    const { ids, done } = this.#options;
    const now = new Set(ids());
    if (await done.covers(now)) return;
    await this.#pass(signal);
    await sleep(this.#pace.settledMs, signal);
    await done.write(now);
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    const now = clock.now();
    const end = addMillis(now, -LOOK_BACK_MS);
    let [batches, traces] = [0, 0];
    let stretchMs = STRETCH_MS;
    for (let until = now; until > end;) {
      const from = laterOf(end, addMillis(until, -stretchMs));
      let found = 0;
      for await (const batch of this.#batches(from, until, signal)) {
        found += batch;
        batches += 1;
        if (batches % PROGRESS_EVERY_BATCHES === 0)
          log.info({ traces: traces + found, since: from }, 'attributing unknown calls again');
      }
      traces += found;
      until = from;
      stretchMs = found > this.#pace.batchTraces ? STRETCH_MS : Math.min(2 * stretchMs, STRETCH_MS_MAX);
    }
    if (traces > 0) log.debug({ traces }, 'unknown calls were attributed again');
  }

  /** Settles all traces of a stretch again; yields the size of each batch. */
  async *#batches(from: Timestamp, until: Timestamp, signal: AbortSignal): AsyncGenerator<number> {
    const { traffic, resettle } = this.#options;
    const { batchTraces, pauseMs } = this.#pace;
    let after: TraceCursor | null = null;
    do {
      signal.throwIfAborted();
      const found: readonly TraceCursor[] = await traffic.unattributed(from, until, after, batchTraces);
      after = found.length < batchTraces ? null : (found.at(-1) ?? null);
      if (found.length === 0) return;
      resettle(found.map((trace) => trace.traceId));
      yield found.length;
      await sleep(pauseMs, signal);
    } while (after !== null);
  }
}
