/**
 * Connections to Redis for the queue: reach it or say clearly why not, notice when it goes and comes
 * back, and turn what goes wrong into a `Fault`. Knows nothing of jobs.
 */

import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { Fault, isFault } from '../contract/fault.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import type { QueueLog } from './job-rules.ts';
import { evictionProblem, reasonOf, refusalOf } from './redis-refusals.ts';
import { orNull } from './settle.ts';

/** How long anybody waits for Redis before hearing that it does not answer. */
const REDIS_TIMEOUT_MS = 5_000;
export const RECONNECT_MS_MAX = 2_000;
/** Its settings can be changed while it runs. */
const LOOK_AT_SETTINGS_MS = 60_000;

export interface RedisConnections {
  /** For adding and asking: fails at once while Redis is away. */
  readonly forCommands: Redis;
  /** For workers: waits for Redis to come back. */
  readonly forWorkers: Redis;
  isReady(): boolean;
  /** What its settings may cost, for a person. */
  settingsProblem(): string | null;
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
  const forCommands = new EndingRedis(url, {
    ...common,
    enableOfflineQueue: false,
    commandTimeout: REDIS_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
  });
  // BullMQ demands null here: its workers wait, however long Redis is away.
  const forWorkers = new EndingRedis(url, { ...common, maxRetriesPerRequest: null });
  let closing = false;
  const settings = new SettingsWatch(forCommands);
  const close = (): void => {
    closing = true;
    settings.stop();
    forCommands.endAll();
    forWorkers.endAll();
  };
  try {
    await Promise.all([reach(forCommands), reach(forWorkers)]);
  } catch (error) {
    close();
    throw cannotReach(shown, error);
  }
  reportOutages(forCommands, shown, log, () => closing);
  await settings.start();
  const isReady = (): boolean => forCommands.status === 'ready';
  return { forCommands, forWorkers, isReady, settingsProblem: () => settings.problem, close };
}

/** Answers look as they do without this option. */
type LegacyOptions = RedisOptions & { readonly replyMapping?: 'legacy' };

/**
 * Ends also while it waits to connect again: ioredis then gives up without a word, and BullMQ's workers, which wait for
 * a copy of it to end, would for ever, with timers that keep the process alive.
 */
class EndingRedis extends Redis {
  readonly #copies: EndingRedis[] = [];

  /** With its copies: before a worker has reached Redis it does not end its own. */
  endAll(): void {
    for (const each of [...this.#copies, this]) each.disconnect();
  }

  override disconnect(reconnect = false): void {
    // As before the first attempt, of which ioredis does tell that it is over, whoever asked for something as well.
    if (this.status === 'reconnecting' && !reconnect) this.status = 'wait';
    super.disconnect(reconnect);
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = new EndingRedis({ ...this.options, ...override } as LegacyOptions);
    this.#copies.push(copy);
    return copy;
  }
}

/** Redis is asked for its settings now, when it is back, and now and then. */
class SettingsWatch {
  readonly #redis: Redis;
  #timer: NodeJS.Timeout | undefined;
  problem: string | null = null;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async start(): Promise<void> {
    const look = (): void => void this.#look();
    this.#redis.on('ready', look);
    this.#timer = setInterval(look, LOOK_AT_SETTINGS_MS).unref();
    await this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // One that is away or does not tell has no settings that we know of.
    const info = await this.#redis.info('memory').catch(() => '');
    this.problem = evictionProblem(info);
  }
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
const LOGIN_REFUSED = /^(?:NOAUTH|WRONGPASS|NOPERM)\b/;
// Node's words for certificates that nobody vouches for, or that are for another name or time.
const NOT_TRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/;

function cannotReach(shown: string, error: unknown): Fault {
  const reason = reasonOf(error);
  const refusal = refusalOf(error);
  if (LOGIN_REFUSED.test(reason)) {
    const hint = 'Check user and password in queue.redis.';
    return new Fault('config', `Redis at ${shown} refuses the login: ${reason}.`, { hint, cause: error });
  }
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const hint = NOT_TRUSTED.test(code)
    ? 'Name the file of the authority that signed its certificate in the variable NODE_EXTRA_CA_CERTS.'
    : 'Start it or correct queue.redis; without queue.redis the queue lives in the daemon itself.';
  return new Fault('transient', `Redis at ${shown} can't be reached: ${reason}.`, {
    hint: refusal?.hint ?? hint,
    cause: error,
  });
}

/** Runs something that needs Redis, and fails with a `Fault` in time instead of hanging. */
export async function askRedis<T>(work: Promise<T>): Promise<T> {
  try {
    return await answerInTime(work);
  } catch (error) {
    if (isFault(error)) throw error;
    const refusal = refusalOf(error);
    const message = refusal === null ? "The queue can't be reached" : 'Redis refuses what the queue needs';
    throw new Fault('transient', `${message}: ${reasonOf(error)}.`, {
      hint: refusal?.hint ?? 'Redis is away or overloaded; it is tried again as soon as it answers.',
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
