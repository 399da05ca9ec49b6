/**
 * The queue of a daemon with replicas: BullMQ on Redis. One BullMQ queue per job name, because that
 * is where BullMQ counts concurrency. Behaves like the in-process one in all that the contract promises.
 */

import { randomUUID } from 'node:crypto';
import { Queue as BullQueue, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Job as BullJob } from 'bullmq';
import { describeError, isTransient } from '../contract/fault.ts';
import type { Json } from '../contract/prompt.ts';
import type { JobHandler, JobOptions, Queue, QueueCounts } from '../contract/queue.ts';
import type { Clock } from '../contract/time.ts';
import { sleep } from '../lib/limits.ts';
import { acceptJob, afterFailure, queueIsFull, queueIsStopped } from './job-rules.ts';
import type { AcceptedJob, QueueLimits, QueueLog } from './job-rules.ts';
import { JobTroubles } from './job-troubles.ts';
import { askRedis, connectRedis, RECONNECT_MS_MAX } from './redis.ts';
import type { RedisConnections } from './redis.ts';
import { createScheduler } from './scheduler.ts';
import type { Scheduler } from './scheduler.ts';
import { orNull, settleBefore } from './settle.ts';

// The braces keep all keys on one node of a Redis cluster, which BullMQ's scripts need.
const PREFIX = '{plumbline}';
// A job whose process died goes back to the others this often; then it is what kills processes.
const STALLED_COUNT_MAX = 3;
// How often the number of waiting jobs is asked for; between, this process counts what it adds.
const COUNT_EVERY_MS = 1_000;

/** What is stored in Redis for a job. */
interface Envelope {
  readonly id: string;
  readonly data: string;
  readonly backoffMs: number;
  /** Tells the job that this call added from one that was there already. */
  readonly nonce: string;
}

/** Thrown to BullMQ for a job that is not to be tried again, after that was logged. */
class GivenUp extends UnrecoverableError {}

interface Lane {
  readonly name: string;
  readonly concurrency: number;
  readonly handler: JobHandler;
  /** Null until somebody needs it. */
  queue: BullQueue<Envelope> | null;
  waiting: number;
  waitingAskedAtMs: number;
}

export class BullmqQueue implements Queue {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #log: QueueLog;
  readonly #troubles: JobTroubles;
  readonly #limits: QueueLimits;
  readonly #scheduler: Scheduler;
  readonly #lanes = new Map<string, Lane>();
  readonly #active = new Set<AbortController>();
  #connections: Promise<RedisConnections> | null = null;
  /** Once the queue was started. */
  #started: RedisConnections | null = null;
  #workers: Worker<Envelope>[] = [];
  readonly #resting = new Set<Worker<Envelope>>();
  #state: 'new' | 'running' | 'stopped' = 'new';
  #refused = 0;
  #startsLater: Promise<void> | null = null;
  readonly #aborting = new AbortController();
  #stopping: Promise<void> | null = null;

  constructor(url: string, clock: Clock, log: QueueLog, limits: QueueLimits) {
    this.#url = url;
    this.#clock = clock;
    this.#log = log;
    this.#troubles = new JobTroubles(log);
    this.#limits = limits;
    this.#scheduler = createScheduler(clock, log, (name, data, id) => this.add(name, data, { id }));
  }

  handle(name: string, concurrency: number, handler: JobHandler): void {
    if (this.#state !== 'new') throw new Error(`The handler of "${name}" came after the queue was started.`);
    if (this.#lanes.has(name)) throw new Error(`"${name}" has a handler already.`);
    this.#lanes.set(name, { name, concurrency, handler, queue: null, waiting: 0, waitingAskedAtMs: -COUNT_EVERY_MS });
  }

  async add(name: string, data: Json, options: JobOptions = {}): Promise<boolean> {
    const job = acceptJob(name, data, options);
    if (this.#state === 'stopped') throw queueIsStopped();
    const lane = this.#lane(name);
    const queue = this.#queueOf(lane, await this.#connected());
    await this.#checkRoom(lane, queue);
    lane.waiting += 1;
    return askRedis(this.#write(queue, job, true));
  }

  every(name: string, key: string, intervalMs: number, data: Json): void {
    this.#lane(name);
    this.#scheduler.every(name, key, intervalMs, data);
  }

  cancel(name: string, key: string): void {
    this.#scheduler.cancel(name, key);
  }

  async counts(): Promise<QueueCounts> {
    const total = { waiting: 0, delayed: 0, active: 0, failed: 0, refused: this.#refused };
    const connections = await this.#connected();
    const ask = async (lane: Lane): Promise<void> => {
      const counts = await this.#queueOf(lane, connections).getJobCounts('waiting', 'delayed', 'active', 'failed');
      total.waiting += counts['waiting'] ?? 0;
      total.delayed += counts['delayed'] ?? 0;
      total.active += counts['active'] ?? 0;
      total.failed += counts['failed'] ?? 0;
    };
    await askRedis(Promise.all([...this.#lanes.values()].map(ask)));
    return total;
  }

  get problem(): string | null {
    if (this.#started === null) return this.#troubles.notReached;
    if (this.#started.isReady()) return this.#scheduler.problem ?? this.#started.settingsProblem();
    return 'Redis is away: nothing is polled and no alert goes out until it is back.';
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('The queue can be started once.');
    this.#state = 'running';
    try {
      await this.#begin(await this.#connected());
    } catch (error) {
      if (!isTransient(error)) throw error;
      this.#troubles.isNotReached(error);
      this.#startsLater = this.#startLater();
    }
  }

  /** What needs no queue goes on meanwhile: a machine whose Redis starts after us takes telemetry. */
  async #startLater(): Promise<void> {
    while (!this.#aborting.signal.aborted) {
      try {
        await sleep(RECONNECT_MS_MAX, this.#aborting.signal);
        await this.#begin(await this.#connected());
        this.#troubles.isReached();
        return;
      } catch (error) {
        if (!this.#aborting.signal.aborted) this.#troubles.isNotReached(error);
      }
    }
  }

  async #begin(connections: RedisConnections): Promise<void> {
    const lanes = [...this.#lanes.values()];
    // Hears, for example, that this Redis is too old for BullMQ.
    await askRedis(Promise.all(lanes.map((lane) => this.#queueOf(lane, connections).waitUntilReady())));
    if (this.#aborting.signal.aborted) return;
    this.#started = connections;
    this.#workers = lanes.map((lane) => this.#work(lane, connections));
    this.#scheduler.start();
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#state = 'stopped';
    this.#aborting.abort(queueIsStopped());
    this.#scheduler.stop();
    await this.#startsLater;
    const workers = this.#workers;
    const closed = Promise.all(workers.map((worker) => worker.close()));
    const inTime = await settleBefore(closed, deadlineMs, () => {
      for (const abort of this.#active) abort.abort(queueIsStopped());
    });
    // What still runs keeps its lock for half a minute; then another replica takes the job over.
    if (!inTime) for (const worker of workers) void worker.disconnect().catch(() => undefined);
    const connections = await this.#connections?.catch(() => null);
    if (connections === undefined || connections === null) return;
    const queues = [...this.#lanes.values()].flatMap((lane) => lane.queue ?? []);
    await orNull(Promise.allSettled(queues.map((queue) => queue.close())), 500);
    connections.close();
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name);
    if (lane === undefined) throw new Error(`No handler is registered for "${name}" jobs.`);
    return lane;
  }

  /** Connects on first use. A failure is not remembered: the next call tries again. */
  #connected(): Promise<RedisConnections> {
    this.#connections ??= connectRedis(this.#url, this.#log).catch((error: unknown) => {
      this.#connections = null;
      throw error;
    });
    return this.#connections;
  }

  #queueOf(lane: Lane, connections: RedisConnections): BullQueue<Envelope> {
    if (lane.queue !== null) return lane.queue;
    const queue = new BullQueue<Envelope>(lane.name, { connection: connections.forCommands, prefix: PREFIX });
    lane.queue = queue;
    queue.on('error', (error) => {
      this.#report(lane.name, error, connections);
    });
    // One whose first question got no answer would fail for ever.
    queue.waitUntilReady().catch(() => {
      if (lane.queue === queue) lane.queue = null;
      void queue.close().catch(() => undefined);
    });
    return queue;
  }

  /** While Redis is away each queue and worker complains; the connection has said it once already. */
  #report(name: string, error: Error, connections: RedisConnections): void {
    if (this.#state === 'stopped' || !connections.isReady()) return;
    this.#troubles.notKept(name, error);
  }

  /** Soft: replicas that add at the same moment may go over it a little. */
  async #checkRoom(lane: Lane, queue: BullQueue<Envelope>): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - lane.waitingAskedAtMs >= COUNT_EVERY_MS || lane.waiting >= this.#limits.waitingMax) {
      lane.waitingAskedAtMs = nowMs;
      lane.waiting = await askRedis(queue.getJobCountByTypes('waiting', 'delayed'));
    }
    if (lane.waiting < this.#limits.waitingMax) return;
    this.#refused += 1;
    throw queueIsFull(lane.name, this.#limits.waitingMax);
  }

  async #write(queue: BullQueue<Envelope>, job: AcceptedJob, mayForget: boolean): Promise<boolean> {
    const { finishedKeptMs, finishedKeptMax } = this.#limits;
    const id = job.id ?? randomUUID();
    // BullMQ refuses ids that look like numbers.
    const jobId = `id-${id}`;
    const keep = { age: Math.ceil(finishedKeptMs / 1_000), count: finishedKeptMax };
    const envelope = { id, data: job.data, backoffMs: job.backoffMs, nonce: randomUUID() };
    await queue.add(queue.name, envelope, {
      jobId,
      delay: job.delayMs,
      attempts: job.attempts,
      backoff: { type: 'custom' },
      removeOnComplete: keep,
      removeOnFail: keep,
    });
    if (job.id === null) return true;
    // BullMQ keeps the first job of an id and does not say so: look whose job is there.
    const stored = await queue.getJob(jobId);
    if (stored === undefined || stored.data.nonce === envelope.nonce) return true;
    const forgettable = stored.finishedOn !== undefined && stored.finishedOn + finishedKeptMs <= Date.now();
    if (!forgettable || !mayForget) return false;
    // BullMQ drops what is too old only when another job finishes; a quiet queue remembers for ever.
    await Promise.all([queue.clean(finishedKeptMs, 0, 'completed'), queue.clean(finishedKeptMs, 0, 'failed')]);
    return this.#write(queue, job, false);
  }

  #work(lane: Lane, connections: RedisConnections): Worker<Envelope> {
    const worker = new Worker<Envelope>(lane.name, (job, token) => this.#run(lane, job, token), {
      connection: connections.forWorkers,
      prefix: PREFIX,
      concurrency: lane.concurrency,
      maxStalledCount: STALLED_COUNT_MAX,
      settings: {
        backoffStrategy: (attempt, _type, error, job) => {
          const { attempts = 1 } = job?.opts ?? {};
          const after = afterFailure(error, attempt, attempts, (job as BullJob<Envelope>).data.backoffMs);
          return after.next === 'retry' ? after.waitMs : -1;
        },
      },
    });
    worker.on('error', (error) => {
      this.#report(lane.name, error, connections);
      if (connections.isReady()) void this.#rest(worker);
    });
    // What BullMQ gives up by itself, such as a job whose processes died again and again.
    worker.on('failed', (job, error) => {
      if (job?.finishedOn === undefined || error instanceof GivenUp) return;
      this.#troubles.failedForGood(lane.name, { id: job.data.id }, error);
    });
    worker.on('completed', () => this.#troubles.done(lane.name));
    return worker;
  }

  /** A worker asks again at once, thousands of times a second, where Redis refuses at once (MISCONF, NOPERM). */
  async #rest(worker: Worker<Envelope>): Promise<void> {
    if (this.#resting.has(worker)) return;
    this.#resting.add(worker);
    try {
      await worker.pause(true);
      await sleep(RECONNECT_MS_MAX, this.#aborting.signal);
      await worker.resume();
    } catch (error) {
      if (!this.#aborting.signal.aborted) this.#troubles.notKept(worker.name, error as Error);
    } finally {
      this.#resting.delete(worker);
    }
  }

  async #run(lane: Lane, job: BullJob<Envelope>, token: string | undefined): Promise<void> {
    const { id, data } = job.data;
    const attempt = job.attemptsMade + 1;
    const attemptsMax = job.opts.attempts ?? 1;
    const abort = new AbortController();
    this.#active.add(abort);
    try {
      const { signal } = abort;
      await lane.handler({ id, name: lane.name, data: JSON.parse(data) as Json, attempt, attemptsMax, signal });
    } catch (error) {
      if (abort.signal.aborted) {
        // We stopped it: it goes back, untouched, for another replica.
        await job.moveToWait(token);
        throw new WaitingError();
      }
      const after = afterFailure(error, attempt, attemptsMax, job.data.backoffMs);
      if (after.next === 'retry') throw error;
      this.#troubles.failedForGood(lane.name, { id, attempt }, error);
      throw new GivenUp(describeError(error));
    } finally {
      this.#active.delete(abort);
    }
  }
}
