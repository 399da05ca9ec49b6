/** Lets go of old calls, a month of them in an hour, where the configuration says for how long they are kept. */

import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import type { RetentionLog } from '../contract/retention-log.ts';
import type { Clock } from '../contract/time.ts';
import { settlesWithin, sleep } from '../lib/limits.ts';
import { addMillis } from '../lib/time.ts';
import { TroubleLog, type TellLog } from '../lib/trouble-log.ts';

export interface RetentionOptions {
  readonly retention: RetentionLog;
  /** A month of calls is let go of when all of it is older. Null: all are kept. */
  readonly keepCallsMs: number | null;
  readonly clock: Clock;
  readonly log: TellLog;
}

const EVERY_MS = 3_600_000;
/** A machine that starts with a wrong clock has the right one by then. */
const FIRST_AFTER_MS = 60_000;
const FAILED = 'failed';

export class Retention implements Component {
  readonly name = 'retention';
  readonly #options: RetentionOptions;
  readonly #troubles: TroubleLog;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#troubles = new TroubleLog(options.log);
  }

  get problem(): string | null {
    const reason = this.#troubles.reason(FAILED);
    return reason === null ? null : `Calls that are older than they are to be kept can't be let go of: ${reason}`;
  }

  start(): Promise<void> {
    const { keepCallsMs } = this.#options;
    if (keepCallsMs !== null) this.#running ??= this.#run(keepCallsMs);
    return Promise.resolve();
  }

  /** A month that is being added up begins anew next time. */
  async stop(deadlineMs: number): Promise<void> {
    this.#abort.abort();
    await settlesWithin(this.#running ?? Promise.resolve(), deadlineMs);
  }

  async #run(keepCallsMs: number): Promise<void> {
    const { signal } = this.#abort;
    await sleep(FIRST_AFTER_MS, signal).catch(() => {});
    while (!signal.aborted) {
      await this.#letGo(keepCallsMs, signal);
      await sleep(EVERY_MS, signal).catch(() => {});
    }
  }

  async #letGo(keepCallsMs: number, signal: AbortSignal): Promise<void> {
    const { retention, clock, log } = this.#options;
    try {
      await retention.dropBefore(addMillis(clock.now(), -keepCallsMs), {
        signal,
        onBegin: ({ from }) => log.info({ from }, 'adding up the usage of a month whose calls are to be let go of'),
        onDropped: ({ from, calls }) =>
          log.info({ from, calls }, 'let go of the calls of a month; what they cost is still known'),
      });
      this.#troubles.over(FAILED, 'old calls are let go of again');
    } catch (error) {
      if (signal.aborted) return;
      const message = 'old calls could not be let go of; it is tried again in an hour';
      this.#troubles.failed(FAILED, { level: 'warn', message, reason: describeError(error) });
    }
  }
}
