/**
 * Connections to Redis for the queue: reach it or say clearly why not, notice when it goes and comes
 * back, and turn what goes wrong into a `Fault`. Knows nothing of jobs.
 */

import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { Fault, isFault } from '../contract/fault.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import type { QueueLog } from './job-rules.ts';
import { orNull } from './settle.ts';

/** How long anybody waits for Redis before hearing that it does not answer. */
const REDIS_TIMEOUT_MS = 5_000;
export const RECONNECT_MS_MAX = 2_000;

export interface RedisConnections {
  /** For adding and asking: fails at once while Redis is away. */
  readonly forCommands: Redis;
  /** For workers: waits for Redis to come back. */
  readonly forWorkers: Redis;
  isReady(): boolean;
  close(): void;
}

/**
 * Connects, and checks that Redis answers. Throws a `Fault`: `config` for a bad address or password,
 * `transient` when nobody answers.
 */
export async function connectRedis(url: string, log: QueueLog): Promise<RedisConnections> {
  const shown = withoutPassword(url);
  const common = {
    lazyConnect: true,
    connectTimeout: REDIS_TIMEOUT_MS,
    ...reconnecting(),
  } satisfies RedisOptions;
  const forCommands = new Redis(url, {
    ...common,
    enableOfflineQueue: false,
    commandTimeout: REDIS_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
  });
  // BullMQ demands null here: its workers wait, however long Redis is away.
  const forWorkers = new Redis(url, { ...common, maxRetriesPerRequest: null });
  let closing = false;
  const close = (): void => {
    closing = true;
    forCommands.disconnect();
    forWorkers.disconnect();
  };
  try {
    await Promise.all([reach(forCommands), reach(forWorkers)]);
  } catch (error) {
    close();
    throw cannotReach(shown, error);
  }
  reportOutages(forCommands, shown, log, () => closing);
  return { forCommands, forWorkers, isReady: () => forCommands.status === 'ready', close };
}

/**
 * Also when what answers has become a replica, as after a failover: it keeps its connections, and only a new one leads
 * to the primary of now. Not at once where it is still the same.
 */
function reconnecting(): Required<Pick<RedisOptions, 'retryStrategy' | 'reconnectOnError'>> {
  let refusedAtMs = Number.NEGATIVE_INFINITY;
  return {
    reconnectOnError: (error) => {
      if (!error.message.includes('READONLY')) return false;
      refusedAtMs = performance.now();
      return true;
    },
    retryStrategy: (times) => {
      const wasRefused = performance.now() - refusedAtMs < RECONNECT_MS_MAX;
      return wasRefused ? RECONNECT_MS_MAX : Math.min(times * 100, RECONNECT_MS_MAX);
    },
  };
}

/** One attempt. ioredis says why only in its `error` event; its promise knows only that the connection closed. */
async function reach(redis: Redis): Promise<void> {
  let reason: unknown = null;
  // Kept for good: an `error` event without a listener would end the process.
  redis.on('error', (error) => {
    reason = error;
  });
  try {
    await answerInTime(redis.connect());
  } catch (error) {
    throw reason ?? error;
  }
}

function reportOutages(redis: Redis, shown: string, log: QueueLog, isClosing: () => boolean): void {
  const troubles = new TroubleLog(log);
  redis.on('close', () => {
    if (isClosing()) return;
    const message = 'Lost the connection to Redis; trying to get it back. Work waits, nothing is lost.';
    // One reason, so that each attempt to get it back is not told as another.
    troubles.failed('away', { level: 'warn', message, reason: 'it was closed', fields: { redis: shown } });
  });
  redis.on('ready', () => troubles.over('away', 'Redis is back.', { redis: shown }));
}

// What Redis answers to a wrong or missing password or user, as the first word of its error.
const REFUSALS = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

function cannotReach(shown: string, error: unknown): Fault {
  const reason = error instanceof Error ? error.message : String(error);
  const code = reason.split(' ', 1)[0] ?? '';
  if (REFUSALS.has(code)) {
    return new Fault('config', `Redis at ${shown} refuses the login: ${reason}.`, {
      hint: 'Check user and password in queue.redis.',
      cause: error,
    });
  }
  return new Fault('transient', `Redis at ${shown} can't be reached: ${reason}.`, {
    hint: 'Start it or correct queue.redis; without queue.redis the queue lives in the daemon itself.',
    cause: error,
  });
}

/** Runs something that needs Redis, and fails with a `Fault` in time instead of hanging. */
export async function askRedis<T>(work: Promise<T>): Promise<T> {
  try {
    return await answerInTime(work);
  } catch (error) {
    if (isFault(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault('transient', `The queue can't be reached: ${reason}.`, {
      hint: 'Redis is away or overloaded; it is tried again as soon as it answers.',
      retryAfterMs: RECONNECT_MS_MAX,
      cause: error,
    });
  }
}

async function answerInTime<T>(work: Promise<T>): Promise<T> {
  const answer = await orNull(
    work.then((value) => ({ value })),
    REDIS_TIMEOUT_MS,
  );
  if (answer === null) throw new Error(`no answer within ${REDIS_TIMEOUT_MS} ms`);
  return answer.value;
}

/** The address as it may be printed. Throws a `Fault` when it is not an address of a Redis. */
function withoutPassword(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new Fault(
      'config',
      'queue.redis is not an address like redis://host:6379 or rediss://user:password@host:6379/0.',
    );
  }
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}
