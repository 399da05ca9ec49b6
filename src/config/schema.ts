/**
 * The shape of `plumbline.yaml`. The keys that belong to a source or channel plugin are checked with
 * the plugin's own schema; here are the keys that every entry has.
 */

import { z } from 'zod';
import { TOKEN_PARTS, type TokenPart } from '../contract/invocation.ts';
import { SEVERITIES, VERDICTS } from '../contract/verdict.ts';
import { DAY_MS, formatDuration, parseDay, parseDuration } from '../lib/time.ts';

export const CONTENT_POLICIES = ['full', 'redacted', 'hash_only'] as const;
export type ContentPolicy = (typeof CONTENT_POLICIES)[number];

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 letters, digits, `.`, `_` or `-`, and start with a letter or digit',
  );

/** `30s`, `5m`, `1h30m`; milliseconds after parsing. */
function duration(minMs: number, maxMs: number) {
  const words = 'must be a duration such as 30s, 5m or 1h30m';
  return z.string({ error: ({ input }) => (input === undefined ? undefined : words) }).transform((text, context) => {
    const millis = parseDuration(text);
    if (millis === null) {
      context.addIssue({ code: 'custom', message: words });
      return z.NEVER;
    }
    if (millis < minMs || millis > maxMs) {
      context.addIssue({
        code: 'custom',
        message: `must be between ${formatDuration(minMs)} and ${formatDuration(maxMs)}`,
      });
      return z.NEVER;
    }
    return millis;
  });
}

const port = z.int().min(0).max(65_535);

/** Shortest poll interval: one tick of the queue's clock. Longest: a week. */
const every = duration(1_000, 7 * DAY_MS).default(60_000);
const timeout = duration(100, 300_000).default(10_000);

export const SourceEntry = z.looseObject({
  name,
  type: z.string(),
  environment: z.string().min(1),
  every,
  timeout,
  requests_per_minute: z.int().min(1).max(100_000).optional(),
  targets: z
    .array(z.looseObject({ prompt: z.string().min(1) }))
    .max(100_000)
    .default([]),
});
/** The keys of a source entry that are the host's; the rest are the plugin's. */
export const SOURCE_HOST_KEYS = Object.keys(SourceEntry.shape);

export const ChannelEntry = z.looseObject({ name, type: z.string() });
export const CHANNEL_HOST_KEYS = Object.keys(ChannelEntry.shape);

const oneOrMore = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value));

const Route = z.strictObject({
  match: z
    .strictObject({
      environment: oneOrMore.optional(),
      prompt: oneOrMore.optional(),
      owner: oneOrMore.optional(),
      verdict: z
        .union([z.enum(VERDICTS), z.array(z.enum(VERDICTS)).min(1)])
        .transform((value) => (typeof value === 'string' ? [value] : value))
        .optional(),
      severity: z.enum(SEVERITIES).optional(),
    })
    .default({}),
  channels: z.array(z.string()).min(1),
});
export type Route = z.output<typeof Route>;

export const KEY_SCOPES = ['ingest', 'read', 'operate', 'admin'] as const;

const ApiKey = z.strictObject({
  name,
  scopes: z.array(z.enum(KEY_SCOPES)).min(1),
  key: z.string().min(16, 'must have at least 16 characters'),
});
export type ApiKey = z.output<typeof ApiKey>;

const RedactionRule = z.strictObject({
  name,
  pattern: z.string().min(1),
  replacement: z.string().default('[redacted]'),
});
export type RedactionRule = z.output<typeof RedactionRule>;

const Content = z.union([
  z.enum(CONTENT_POLICIES),
  z.strictObject({
    default: z.enum(CONTENT_POLICIES).default('full'),
    environments: z.record(z.string(), z.enum(CONTENT_POLICIES)).default({}),
    redact: z.array(RedactionRule).max(100).default([]),
  }),
]);

const Store = z.union([
  z.strictObject({ path: z.string().min(1) }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    user: z.string().default('default'),
    password: z.string().default(''),
    database: name.default('plumbline'),
    cluster: name.optional(),
  }),
]);

const amount = z.number().nonnegative();

/** `input_audio_usd_per_million` and so on: of tokens that would else cost what those around them do. */
function priceOfParts() {
  type Key = `${TokenPart}_usd_per_million`;
  const own = amount.optional();
  return Object.fromEntries(TOKEN_PARTS.map((part) => [`${part}_usd_per_million`, own])) as Record<Key, typeof own>;
}

/** Stays a text, as which the form of a configuration can be written down. */
const day = z
  .string()
  .refine((text) => parseDay(text) !== null, 'is no day such as 2026-11-01, nor a time with its zone');
const PRICE = {
  model: z.string().min(1),
  provider: z.string().optional(),
  service_tier: z.string().min(1).toLowerCase().optional(),
  valid_from: day.optional(),
  valid_to: day.optional(),
};
const Amounts = z.strictObject({
  ...PRICE,
  input_usd_per_million: amount,
  output_usd_per_million: amount,
  cache_read_usd_per_million: amount.optional(),
  cache_write_usd_per_million: amount.optional(),
  web_searches_usd_per_thousand: amount.optional(),
  ...priceOfParts(),
});
const TimesPublic = z.strictObject({ ...PRICE, public_price_times: amount });
const Price = z.union([Amounts, TimesPublic]);
export type PriceOverride = z.output<typeof Price>;

/** A folder of YAML files, or a source whose own history is registered. */
const RegistryEntry = z
  .strictObject({ files: z.string().min(1).optional(), source: z.string().min(1).optional() })
  .refine(({ files, source }) => (files === undefined) !== (source === undefined), {
    message: 'must name either `files` or `source`',
  });

export const ConfigurationFile = z.strictObject({
  registry: z.array(RegistryEntry).max(100).default([]),
  lock: z.string().min(1).optional(),
  store: Store.default({ path: './data' }),
  queue: z
    .strictObject({
      redis: z.url({ protocol: /^rediss?$/, error: 'is no address such as redis://host:6379' }).optional(),
    })
    .default({}),
  content: Content.default('full'),
  retention: z.strictObject({ calls: duration(DAY_MS, 36_500 * DAY_MS) }).optional(),
  server: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(7070),
      otlp_port: port.default(4318),
      grpc_port: port.default(4317),
      public_url: z.url({ protocol: /^https?$/ }).optional(),
    })
    .default({ host: '127.0.0.1', port: 7070, otlp_port: 4318, grpc_port: 4317 }),
  sources: z.array(SourceEntry).max(1_000).default([]),
  channels: z.array(ChannelEntry).max(100).default([]),
  routes: z.array(Route).max(1_000).default([]),
  keys: z.array(ApiKey).max(100).default([]),
  prices: z.array(Price).max(1_000).default([]),
});
export type ConfigurationFile = z.output<typeof ConfigurationFile>;
