/**
 * Work distribution. A queue hands out work; it is never the only place where something is
 * written: everything in it can be lost and derived again from the store.
 */

import type { Json } from './prompt.ts';
import type { Timestamp } from './time.ts';

export interface JobOptions {
  /**
   * Jobs with the same (name, id) are one job while it waits, runs, or was done (or failed for good)
   * within the last hour. Letters, digits, `.`, `-`, `_`; no colon.
   */
  readonly id?: string;
  readonly delayMs?: number;
  /** Attempts in all, first included. Default 1. Between attempts the wait doubles from `backoffMs`. */
  readonly attempts?: number;
  readonly backoffMs?: number;
}

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly data: Json;
  /** From 1. */
  readonly attempt: number;
  readonly attemptsMax: number;
  /** Aborts when the queue stops. */
  readonly signal: AbortSignal;
}

export type JobHandler = (job: Job) => Promise<void>;

export interface QueueCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Failed for good within the last hour. */
  readonly failed: number;
  /** Not taken by this process since its start because too many were waiting. */
  readonly refused: number;
}

export interface Queue {
  /**
   * Resolves when the job is accepted: in memory, or written to Redis. False: a job with this id
   * already exists. Throws a `Fault`: `overloaded` when too many of this name are waiting,
   * `transient` when Redis is away (within seconds, it does not hang) or the queue was stopped.
   */
  add(name: string, data: Json, options?: JobOptions): Promise<boolean>;
  /**
   * Registers the one handler for a job name, before `start`. `concurrency` is per process. A
   * handler that throws a `Fault` of kind `overloaded` or `transient` with `retryAfterMs` is tried
   * again after that time, as one of its attempts; one of kind `config` or `permanent` is not tried
   * again. The queue logs a job that failed for good: a handler throws and does not log.
   */
  handle(name: string, concurrency: number, handler: JobHandler): void;
  /**
   * Runs `name` once per interval over all replicas: the job's id is derived from (name, key, tick).
   * The interval that is going on counts too: unless a replica has run it, it runs within a second
   * after `start`, and a next one that follows too closely is left out. Not made up for: what was
   * slept through. A `Tick` is put beside `data`'s fields. At least one second; the same (name, key)
   * again replaces interval and data.
   */
  every(name: string, key: string, intervalMs: number, data: Json): void;
  /** Stops scheduling that key. */
  cancel(name: string, key: string): void;
  counts(): Promise<QueueCounts>;
  /** What keeps all work from being done at the moment, for a person; null or absent: nothing does. */
  readonly problem?: string | null;
  start(): Promise<void>;
  /** Takes no more work, waits for what runs (at most `deadlineMs`), then aborts it. Safe twice. */
  stop(deadlineMs: number): Promise<void>;
}

/** Data of a scheduled job, beside its own: which tick it is for. */
export interface Tick {
  readonly tick: number;
  readonly dueAt: Timestamp;
}
