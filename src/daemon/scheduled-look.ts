/** What the daemon looks at every so often, as a part of it that starts and stops. */

import type { Component } from '../contract/component.ts';
import type { Queue } from '../contract/queue.ts';

export interface ScheduledLook {
  /** Of the part. */
  readonly name: string;
  /** As replicas know it: one of them looks, and the next one when it is due again. */
  readonly job: string;
  readonly everyMs: number;
  /** Of one that throws nothing is tried again before the next is due. `signal` aborts when the daemon stops. */
  look(signal: AbortSignal): Promise<void>;
}

export function onSchedule(queue: Queue, look: ScheduledLook): Component {
  const { name, job, everyMs } = look;
  queue.handle(job, 1, ({ signal }) => look.look(signal));
  return {
    name,
    start: () => {
      queue.every(job, 'all', everyMs, {});
      return Promise.resolve();
    },
    stop: () => {
      queue.cancel(job, 'all');
      return Promise.resolve();
    },
  };
}
