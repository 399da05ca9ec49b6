/**
 * The rules that both queues follow: which ids and data are accepted, what is remembered, and what
 * happens after a handler failed. Pure; knows neither Redis nor timers.
 */

import { Fault, isFault } from '../contract/fault.ts';
import type { Json } from '../contract/prompt.ts';
import type { JobOptions } from '../contract/queue.ts';
import type { TellLog } from '../lib/trouble-log.ts';

export type QueueLog = TellLog;

/** How much a queue holds. The defaults are what the daemon runs with. */
export interface QueueLimits {
  /** Waiting and delayed jobs per job name; more are refused. */
  readonly waitingMax: number;
  /** How long the id of a finished job is remembered. The contract promises an hour. */
  readonly finishedKeptMs: number;
  /** Finished jobs remembered per job name, so that a flood of them can't fill the memory. */
  readonly finishedKeptMax: number;
}

export const DEFAULT_LIMITS: QueueLimits = {
  // A waiting job is about a kilobyte: 10 MB per job name at most.
  waitingMax: 10_000,
  finishedKeptMs: 3_600_000,
  finishedKeptMax: 20_000,
};

// A job refers to rows, it does not carry them.
const DATA_BYTES_MAX = 256 * 1024;
// The longest wait that a Node timer can hold is 2^31 - 1 ms, some 24 days.
const DELAY_MS_MAX = 2_147_483_647;
// A receiver that asks for more patience than this is asked again after this.
const RETRY_MS_MAX = 3_600_000;
const BACKOFF_MS_DEFAULT = 1_000;

const JOB_ID = /^[\w.-]{1,200}$/;

/** `JobOptions` with its defaults filled in and everything checked. */
export interface AcceptedJob {
  readonly id: string | null;
  readonly data: string;
  readonly delayMs: number;
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Checks what is handed to `add`. What it refuses is a bug of the caller (RangeError), or too large (Fault). */
export function acceptJob(name: string, data: Json, options: JobOptions): AcceptedJob {
  const { id = null, delayMs = 0, attempts = 1, backoffMs = BACKOFF_MS_DEFAULT } = options;
  if (!JOB_ID.test(name)) throw new RangeError(`"${name}" can't name a job: use letters, digits, ".", "-" and "_".`);
  if (id !== null && !JOB_ID.test(id)) {
    throw new RangeError(`"${id}" can't be a job id: use letters, digits, ".", "-" and "_".`);
  }
  if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) throw new RangeError(`delayMs ${delayMs} is not in 0 to 2^31 - 1.`);
  if (!(Number.isInteger(attempts) && attempts >= 1)) throw new RangeError(`attempts ${attempts} is not 1 or more.`);
  if (!(backoffMs >= 0)) throw new RangeError(`backoffMs ${backoffMs} is negative.`);
  const text = JSON.stringify(data);
  if (Buffer.byteLength(text) > DATA_BYTES_MAX) {
    throw new Fault('permanent', `The data of a "${name}" job is larger than ${DATA_BYTES_MAX} bytes.`, {
      hint: 'Store it, and put a reference in the job.',
    });
  }
  return { id, data: text, delayMs, attempts, backoffMs };
}

export type AfterFailure =
  | { readonly next: 'retry'; readonly waitMs: number }
  | { readonly next: 'give_up'; readonly reason: 'attempts_used_up' | 'refused_for_good' };

/** What follows when attempt number `attempt` (from 1) of `attemptsMax` threw `error`. */
export function afterFailure(error: unknown, attempt: number, attemptsMax: number, backoffMs: number): AfterFailure {
  if (isFault(error) && (error.kind === 'config' || error.kind === 'permanent')) {
    return { next: 'give_up', reason: 'refused_for_good' };
  }
  if (attempt >= attemptsMax) return { next: 'give_up', reason: 'attempts_used_up' };
  const asked = isFault(error) ? error.retryAfterMs : undefined;
  const waitMs = asked ?? backoffMs * 2 ** Math.min(attempt - 1, 30);
  return { next: 'retry', waitMs: Math.min(Math.max(0, waitMs), RETRY_MS_MAX) };
}

export function queueIsFull(name: string, waitingMax: number): Fault {
  return new Fault('overloaded', `${waitingMax} "${name}" jobs are waiting already; no more are taken.`, {
    hint: 'Find out why they are not worked off (a slow or failing handler), or start another replica.',
    retryAfterMs: 1_000,
  });
}

export function queueIsStopped(): Fault {
  return new Fault('transient', 'The queue is stopped and takes no more jobs.');
}
