/** Prompts in Redis: a string, or a field of a hash; whole or a field of the JSON or YAML in it. */

import { Redis } from 'ioredis';
import { z } from 'zod';
import { Fault, isFault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { formatBytes } from '../src/lib/http.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { PROPOSAL_BYTES_MAX, proposeTexts, tooMany, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';

const Config = z.strictObject({
  url: secret()
    .refine((url) => /^rediss?:\/\//.test(url) && URL.canParse(url), 'is no redis:// or rediss:// address')
    .describe('`redis://:password@host:6379/0`; `rediss://` with TLS.'),
  discover: z
    .string()
    .min(1)
    .optional()
    .describe('For `discover`: a pattern for the keys of the prompts, e.g. `prompts:*`.'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  key: z.string().min(1),
  hash_field: z.string().min(1).optional(),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const VALUE_BYTES_MAX = 4 * 1024 * 1024;
const CONNECT_MS_MAX = 5_000;
// A step of a walk over all keys, and how many of them: five million keys.
const SCAN_KEYS = 500;
const SCAN_STEPS_MAX = 10_000;
// A hash with more fields is an index and no set of prompts.
const HASH_FIELDS_MAX = 1_000;

export const redis = sourcePlugin({
  type: 'redis',
  summary: 'A string or a hash field in Redis, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: { url: 'redis://:password@redis.example.com:6379/0', discover: 'prompts*' },
    targets: [{ key: 'prompts:intent' }, { key: 'prompts', hash_field: 'reply' }],
  },
  create: (config): Source<Target> => ({
    ...(config.discover === undefined
      ? {}
      : { discover: proposeTexts((signal) => findTexts(config, config.discover ?? '', signal)) }),
    live: {
      read: async function* (targets, _known, signal) {
        const client = await connect(config, signal);
        try {
          yield* readEach(targets, signal, (target) => readOne(client, target));
        } finally {
          client.disconnect();
        }
      },
    },
    restore: {
      form: 'write',
      comparesAndSets: true,
      restore: async (target, request, signal) => {
        const client = await connect(config, signal);
        try {
          return await restore(client, target, request);
        } finally {
          client.disconnect();
        }
      },
    },
    watch: { watch: (targets, changed, signal) => watch(config, targets, changed, signal) },
  }),
});

/** A connection that fails at once and does not try again by itself: that is the host's to decide. */
async function connect({ url }: Config, signal: AbortSignal): Promise<Redis> {
  signal.throwIfAborted();
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: CONNECT_MS_MAX,
  });
  // Every failure reaches the command that met it; this one is only the same news again.
  client.on('error', () => undefined);
  signal.addEventListener('abort', () => client.disconnect(), { once: true });
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    signal.throwIfAborted();
    throw explain(error, url);
  }
}

function explain(error: unknown, url: string): unknown {
  if (isFault(error) || !(error instanceof Error)) return error;
  // Redis's own refusals start with a word in capitals: WRONGPASS, NOPERM, WRONGTYPE.
  const refusal = /^[A-Z]{4,}\b/.exec(error.message);
  return new Fault(
    refusal === null ? 'transient' : 'permanent',
    `${new URL(url).host} could not answer: ${error.message}.`,
    { cause: error },
  );
}

async function readOne(client: Redis, target: SourceTarget<Target>): Promise<Reading> {
  const { key, hash_field: hashField, field } = target.config;
  const value = await readValue(client, target);
  const name = hashField === undefined ? key : `${key}[${hashField}]`;
  if (value === null) return { outcome: 'missing', target: target.id, reason: `There is no ${name}.` };
  return readingOfText(target.id, name, value, field);
}

async function readValue(
  client: Redis,
  { config: { key, hash_field: hashField } }: SourceTarget<Target>,
): Promise<string | null> {
  try {
    // The length first: a value of any size would otherwise come whole.
    const bytes = await (hashField === undefined ? client.strlen(key) : client.hstrlen(key, hashField));
    if (bytes > VALUE_BYTES_MAX) throw new Fault('permanent', `${key} is larger than ${formatBytes(VALUE_BYTES_MAX)}.`);
    return await (hashField === undefined ? client.get(key) : client.hget(key, hashField));
  } catch (error) {
    throw explain(error, `redis://${client.options.host ?? ''}:${client.options.port ?? ''}`);
  }
}

/** Walks all keys in small steps, as Redis wants it; the order is Redis's own, and a key may come twice. */
async function* findTexts(config: Config, pattern: string, signal: AbortSignal): AsyncIterable<FoundText<Target>> {
  const client = await connect(config, signal);
  const seen = new Set<string>();
  try {
    for (let cursor = '0', steps = 1; ; steps += 1) {
      const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_KEYS);
      for (const key of keys) {
        if (seen.has(key)) continue;
        seen.add(key);
        yield* textsOf(client, key);
      }
      if (next === '0') return;
      if (steps === SCAN_STEPS_MAX) throw tooMany();
      cursor = next;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, config.url);
  } finally {
    client.disconnect();
  }
}

async function* textsOf(client: Redis, key: string): AsyncIterable<FoundText<Target>> {
  const kind = await client.type(key);
  if (kind === 'string') {
    const text = (await client.strlen(key)) > PROPOSAL_BYTES_MAX ? null : await client.get(key);
    yield { path: key, target: { key }, text };
  }
  if (kind !== 'hash' || (await client.hlen(key)) > HASH_FIELDS_MAX) return;
  for (const field of await client.hkeys(key)) {
    const text = (await client.hstrlen(key, field)) > PROPOSAL_BYTES_MAX ? null : await client.hget(key, field);
    yield { path: `${key}/${field}`, target: { key, hash_field: field }, text };
  }
}

async function restore(client: Redis, target: SourceTarget<Target>, request: RestoreRequest): Promise<Reading> {
  const { key, hash_field: hashField, field } = target.config;
  // From here on, whoever changes the key makes EXEC do nothing.
  await client.watch(key);
  return rewrite(
    target.id,
    request,
    () => readOne(client, target),
    async () => {
      const text = textWith(key, await readValue(client, target), field, request.body);
      const write =
        hashField === undefined ? client.multi().set(key, text, 'KEEPTTL') : client.multi().hset(key, hashField, text);
      if ((await write.exec()) === null) throw changedMeanwhile(target.id);
    },
  );
}

/** Keyspace events, where the server is configured to send them; where it is not, nothing comes. */
async function watch(
  config: Config,
  targets: readonly SourceTarget<Target>[],
  changed: (target: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = await connect(config, signal);
  const database = client.options.db ?? 0;
  const byChannel = Map.groupBy(targets, (target) => `__keyspace@${database}__:${target.config.key}`);
  try {
    client.on('message', (channel) => {
      for (const target of byChannel.get(channel) ?? []) changed(target.id);
    });
    if (byChannel.size > 0) await client.subscribe(...byChannel.keys());
    await new Promise<void>((resolve) => client.once('end', () => resolve()));
    signal.throwIfAborted();
  } finally {
    client.disconnect();
  }
}
