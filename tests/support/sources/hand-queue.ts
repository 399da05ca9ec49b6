/** A queue that a test turns by hand: nothing runs until it is asked to. */

import type { Json } from '../../../src/contract/prompt.ts';
import type { JobHandler, Queue } from '../../../src/contract/queue.ts';
import type { Timestamp } from '../../../src/contract/time.ts';

export class HandQueue implements Queue {
  readonly schedules = new Map<string, { readonly intervalMs: number; readonly data: Json }>();
  readonly #handlers = new Map<string, JobHandler>();
  readonly #waiting: { readonly name: string; readonly data: Json }[] = [];
  readonly #stopping = new AbortController();

  add(name: string, data: Json): Promise<boolean> {
    this.#waiting.push({ name, data });
    return Promise.resolve(true);
  }

  handle(name: string, _concurrency: number, handler: JobHandler): void {
    this.#handlers.set(name, handler);
  }

  every(name: string, key: string, intervalMs: number, data: Json): void {
    this.schedules.set(`${name}:${key}`, { intervalMs, data });
  }

  cancel(name: string, key: string): void {
    this.schedules.delete(`${name}:${key}`);
  }

  counts() {
    return Promise.resolve({ waiting: this.#waiting.length, delayed: 0, active: 0, failed: 0, refused: 0 });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping.abort(new Error('The queue stops.'));
    return Promise.resolve();
  }

  /** Runs what was added, all at once. */
  async drain(): Promise<void> {
    await Promise.all(this.#waiting.splice(0).map(({ name, data }) => this.#run(name, data)));
  }

  /** One tick of a schedule, e.g. `poll:checkout`; with the time at which it was due, if that is told. */
  async tick(schedule: string, dueAt?: Timestamp): Promise<void> {
    const entry = this.schedules.get(schedule);
    if (entry === undefined) throw new Error(`Nothing is scheduled as ${schedule}.`);
    const data = dueAt === undefined ? entry.data : { ...(entry.data as Record<string, Json>), tick: 1, dueAt };
    await this.#run(schedule.slice(0, schedule.indexOf(':')), data);
  }

  async #run(name: string, data: Json): Promise<void> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new Error(`No handler for ${name}.`);
    await handler({ id: name, name, data, attempt: 1, attemptsMax: 1, signal: this.#stopping.signal });
  }
}
