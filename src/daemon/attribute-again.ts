/**
 * Calls that were unknown may be known when a version is registered or a live text is learned: goes
 * through the unknown ones, newest first, in the background, and has them settled again.
 */

import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { TrafficLog } from '../contract/traffic-log.ts';
import { sleep } from '../lib/limits.ts';
import { addMillis } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';

export interface AttributeAgainOptions {
  readonly traffic: Pick<TrafficLog, 'unattributed'>;
  /** Settles these traces again, which attributes their calls anew. */
  readonly resettle: (traceIds: readonly string[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was sent longer ago than any incident is investigated stays as it is. */
const LOOK_BACK_MS = 30 * 86_400_000;
const BATCH_TRACES = 1_000;
/** Live traffic goes first: a batch a second keeps the settler free for it. */
const PAUSE_MS = 1_000;
/** Several versions are usually registered at once, and calls arrive a little later than they were made. */
const GATHER_MS = 3_000;
const PROGRESS_EVERY_BATCHES = 30;

export class AttributeAgain implements Component {
  readonly name = 'attribute-again';
  readonly #options: AttributeAgainOptions;
  readonly #stopping = new AbortController();
  #wanted = false;
  #running: Promise<void> | null = null;

  constructor(options: AttributeAgainOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The daemon stops.'));
    await this.#running;
  }

  /** Returns at once. What is asked for during a run starts another one after it. */
  request(): void {
    this.#wanted = true;
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (this.#wanted) {
        await sleep(GATHER_MS, signal);
        this.#wanted = false;
        await this.#pass(signal);
      }
    } catch (error) {
      // Asked for again with the next version; until then those calls stay unknown, which is true.
      if (!signal.aborted)
        this.#options.log.warn({ error: describeError(error) }, 'unknown calls could not be attributed again');
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { traffic, resettle, clock, log } = this.#options;
    const since = addMillis(clock.now(), -LOOK_BACK_MS);
    let before: Timestamp | null = null;
    let traces = 0;
    for (let batch = 1; ; batch += 1) {
      const found = await traffic.unattributed(since, before, BATCH_TRACES);
      if (found.length > 0) await resettle(found.map((trace) => trace.traceId));
      traces += found.length;
      before = found.at(-1)?.startedAt ?? null;
      if (found.length < BATCH_TRACES || before === null) break;
      if (batch % PROGRESS_EVERY_BATCHES === 0) log.info({ traces, until: before }, 'attributing unknown calls again');
      await sleep(PAUSE_MS, signal);
    }
    if (traces > 0) log.debug({ traces }, 'unknown calls were attributed again');
  }
}
