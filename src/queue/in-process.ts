/**
 * The queue of a daemon that runs alone: everything is in this process's memory, and gone with it.
 * Behaves like the BullMQ one in all that the contract promises; `tests/queue/contract.test.ts` runs both.
 */

import type { Json } from '../contract/prompt.ts';
import type { Job, JobHandler, JobOptions, Queue, QueueCounts } from '../contract/queue.ts';
import type { Clock } from '../contract/time.ts';
import { acceptJob, afterFailure, queueIsFull, queueIsStopped } from './job-rules.ts';
import { JobTroubles } from './job-troubles.ts';
import type { QueueLimits, QueueLog } from './job-rules.ts';
import { createScheduler } from './scheduler.ts';
import type { Scheduler } from './scheduler.ts';
import { settleBefore } from './settle.ts';

interface Pending {
  readonly id: string;
  readonly data: string;
  readonly attempts: number;
  readonly backoffMs: number;
  attempt: number;
}

interface Finished {
  readonly failed: boolean;
  readonly atMonotonicMs: number;
}

/** Everything about one job name. Maps keep the order of insertion, so `waiting` is first in, first out. */
interface Lane {
  readonly name: string;
  readonly concurrency: number;
  readonly handler: JobHandler;
  readonly waiting: Map<string, Pending>;
  readonly delayed: Map<string, NodeJS.Timeout>;
  readonly active: Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>;
  readonly finished: Map<string, Finished>;
}

export class InProcessQueue implements Queue {
  readonly #clock: Clock;
  readonly #troubles: JobTroubles;
  readonly #limits: QueueLimits;
  readonly #scheduler: Scheduler;
  readonly #lanes = new Map<string, Lane>();
  #state: 'new' | 'running' | 'stopped' = 'new';
  #lastId = 0;
  #refused = 0;
  #stopping: Promise<void> | null = null;

  constructor(clock: Clock, log: QueueLog, limits: QueueLimits) {
    this.#clock = clock;
    this.#troubles = new JobTroubles(log);
    this.#limits = limits;
    this.#scheduler = createScheduler(clock, log, (name, data, id) => this.add(name, data, { id }));
  }

  handle(name: string, concurrency: number, handler: JobHandler): void {
    if (this.#state !== 'new') throw new Error(`The handler of "${name}" came after the queue was started.`);
    if (this.#lanes.has(name)) throw new Error(`"${name}" has a handler already.`);
    const maps = { waiting: new Map(), delayed: new Map(), active: new Map(), finished: new Map() };
    this.#lanes.set(name, { name, concurrency, handler, ...maps });
  }

  // Asynchronous only because the contract is: a caller sees its mistakes as rejections, as with Redis.
  async add(name: string, data: Json, options: JobOptions = {}): Promise<boolean> {
    const job = acceptJob(name, data, options);
    if (this.#state === 'stopped') throw queueIsStopped();
    const lane = this.#lane(name);
    this.#forgetOldFinished(lane);
    const id = job.id ?? `auto-${++this.#lastId}`;
    if (lane.waiting.has(id) || lane.delayed.has(id) || lane.active.has(id) || lane.finished.has(id)) return false;
    if (lane.waiting.size + lane.delayed.size >= this.#limits.waitingMax) {
      this.#refused += 1;
      throw queueIsFull(name, this.#limits.waitingMax);
    }
    const pending = { id, data: job.data, attempts: job.attempts, backoffMs: job.backoffMs, attempt: 1 };
    this.#enqueue(lane, pending, job.delayMs);
    return true;
  }

  every(name: string, key: string, intervalMs: number, data: Json): void {
    this.#lane(name);
    this.#scheduler.every(name, key, intervalMs, data);
  }

  cancel(name: string, key: string): void {
    this.#scheduler.cancel(name, key);
  }

  async counts(): Promise<QueueCounts> {
    const counts = { waiting: 0, delayed: 0, active: 0, failed: 0, refused: this.#refused };
    for (const lane of this.#lanes.values()) {
      this.#forgetOldFinished(lane);
      counts.waiting += lane.waiting.size;
      counts.delayed += lane.delayed.size;
      counts.active += lane.active.size;
      for (const { failed } of lane.finished.values()) if (failed) counts.failed += 1;
    }
    return counts;
  }

  get problem(): string | null {
    return this.#scheduler.problem;
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('The queue can be started once.');
    this.#state = 'running';
    for (const lane of this.#lanes.values()) this.#fill(lane);
    this.#scheduler.start();
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#state = 'stopped';
    this.#scheduler.stop();
    for (const lane of this.#lanes.values()) {
      for (const timer of lane.delayed.values()) clearTimeout(timer);
      lane.delayed.clear();
      lane.waiting.clear();
    }
    const running = [...this.#lanes.values()].flatMap((lane) => [...lane.active.values()]);
    await settleBefore(Promise.all(running.map((job) => job.done)), deadlineMs, () => {
      for (const job of running) job.abort.abort(queueIsStopped());
    });
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name);
    if (lane === undefined) throw new Error(`No handler is registered for "${name}" jobs.`);
    return lane;
  }

  #enqueue(lane: Lane, pending: Pending, delayMs: number): void {
    if (delayMs === 0) {
      lane.waiting.set(pending.id, pending);
      this.#fill(lane);
      return;
    }
    const timer = setTimeout(() => {
      lane.delayed.delete(pending.id);
      this.#enqueue(lane, pending, 0);
    }, delayMs);
    lane.delayed.set(pending.id, timer);
  }

  /** Starts waiting jobs while there is room. */
  #fill(lane: Lane): void {
    while (this.#state === 'running' && lane.active.size < lane.concurrency) {
      const [next] = lane.waiting.values();
      if (next === undefined) return;
      lane.waiting.delete(next.id);
      const abort = new AbortController();
      // On the next turn of the loop, so that `add` returns before its job runs, as with Redis.
      const turn = new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      const done = turn.then(() => this.#run(lane, next, abort.signal));
      lane.active.set(next.id, { abort, done });
    }
  }

  async #run(lane: Lane, pending: Pending, signal: AbortSignal): Promise<void> {
    const { id, attempt, attempts: attemptsMax } = pending;
    const data = JSON.parse(pending.data) as Json;
    const job: Job = { id, name: lane.name, data, attempt, attemptsMax, signal };
    let failure: { readonly error: unknown } | null = null;
    try {
      await lane.handler(job);
    } catch (error) {
      failure = { error };
    }
    // Before a retry is queued: it has the same id.
    lane.active.delete(id);
    if (failure === null) {
      this.#troubles.done(lane.name);
      this.#finish(lane, pending, false);
    } else this.#afterFailure(lane, pending, failure.error);
    this.#fill(lane);
  }

  #afterFailure(lane: Lane, pending: Pending, error: unknown): void {
    if (this.#state === 'stopped') return;
    const after = afterFailure(error, pending.attempt, pending.attempts, pending.backoffMs);
    if (after.next === 'retry') {
      pending.attempt += 1;
      this.#enqueue(lane, pending, after.waitMs);
      return;
    }
    this.#troubles.failedForGood(lane.name, { id: pending.id, attempt: pending.attempt }, error);
    this.#finish(lane, pending, true);
  }

  #finish(lane: Lane, pending: Pending, failed: boolean): void {
    lane.finished.set(pending.id, { failed, atMonotonicMs: this.#clock.monotonicMs() });
    this.#forgetOldFinished(lane);
  }

  /** Oldest first, so it stops at the first that is still young enough. */
  #forgetOldFinished(lane: Lane): void {
    const keptSinceMs = this.#clock.monotonicMs() - this.#limits.finishedKeptMs;
    for (const [id, { atMonotonicMs }] of lane.finished) {
      if (atMonotonicMs > keptSinceMs && lane.finished.size <= this.#limits.finishedKeptMax) return;
      lane.finished.delete(id);
    }
  }
}
