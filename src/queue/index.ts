/**
 * Where the rest of the daemon gets its queue: on Redis when there is an address, in this process
 * otherwise. Nobody outside this folder knows which it is.
 */

import type { Queue } from '../contract/queue.ts';
import type { Clock } from '../contract/time.ts';
import { BullmqQueue } from './bullmq.ts';
import { InProcessQueue } from './in-process.ts';
import { DEFAULT_LIMITS } from './job-rules.ts';
import type { QueueLimits, QueueLog } from './job-rules.ts';

export type { QueueLog } from './job-rules.ts';

export interface QueueSettings {
  readonly clock: Clock;
  /**
   * e.g. `redis://:secret@localhost:6379/0`. Without it the queue lives in this process. Daemons with
   * the same address and database number are replicas of each other and share all work.
   */
  readonly redis?: string | undefined;
  readonly log?: QueueLog | undefined;
  readonly limits?: Partial<QueueLimits> | undefined;
}

const SILENT: QueueLog = { info: () => {}, warn: () => {}, error: () => {} };

export function createQueue(settings: QueueSettings): Queue {
  const limits = { ...DEFAULT_LIMITS, ...settings.limits };
  const log = settings.log ?? SILENT;
  if (settings.redis === undefined) return new InProcessQueue(settings.clock, log, limits);
  return new BullmqQueue(settings.redis, settings.clock, log, limits);
}
