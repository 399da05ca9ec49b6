/** What goes wrong with jobs is told once for each kind of job, not with each of them. */

import { describeError, isFault } from '../contract/fault.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import type { QueueLog } from './job-rules.ts';
import { reasonOf } from './redis-refusals.ts';

const NOT_KEPT = 'not kept';
const NOT_REACHED = 'not reached';

export class JobTroubles {
  readonly #troubles: TroubleLog;

  constructor(log: QueueLog) {
    this.#troubles = new TroubleLog(log);
  }

  failedForGood(job: string, fields: { readonly id: string; readonly attempt?: number }, error: unknown): void {
    this.#troubles.failed(job, {
      level: 'error',
      message: 'A job failed for good.',
      reason: describeError(error),
      // Of a bug, where it is.
      fields: { job, ...fields, ...(isFault(error) ? {} : { err: error }) },
    });
  }

  /** What keeps the jobs answers with a refusal. */
  notKept(job: string, error: Error): void {
    const reason = reasonOf(error);
    this.#troubles.failed(NOT_KEPT, { level: 'warn', message: 'BullMQ reports a problem.', reason, fields: { job } });
  }

  /** The place where jobs are kept, since the start. */
  isNotReached(error: unknown): void {
    const message = 'Nothing is polled and no alert goes out until Redis can be reached; trying again.';
    this.#troubles.failed(NOT_REACHED, { level: 'warn', message, reason: describeError(error) });
  }

  isReached(): void {
    this.#troubles.over(NOT_REACHED, 'Redis is reached: places are polled and alerts go out.');
  }

  get notReached(): string | null {
    const reason = this.#troubles.reason(NOT_REACHED);
    return reason === null ? null : `Nothing is polled and no alert goes out: ${reason}`;
  }

  done(job: string): void {
    this.#troubles.over(job, 'Jobs of this kind are done again.', { job });
    this.#troubles.over(NOT_KEPT, 'BullMQ reports no problem any more.');
  }
}
