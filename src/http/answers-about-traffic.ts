/** What the API answers about calls, usage, variables and texts; as `answers.ts`. */

import { z } from 'zod';
import { ATTRIBUTION_KINDS, TIE_REASONS } from '../contract/attribution.ts';
import { USAGE_GROUPS, type UsageGroup } from '../contract/invocation-log.ts';
import { TOKEN_PARTS, type TokenPart } from '../contract/invocation.ts';
import { count, hash, json, maybe, nextCursor, text, time } from './answers.ts';

/** What only some answers have is missing from the others. */
function someOf<Key extends string>(keys: readonly Key[], value: z.ZodType) {
  return Object.fromEntries(keys.map((key) => [key, value.optional()])) as Record<Key, z.ZodOptional<z.ZodType>>;
}

const messages = z
  .array(
    z
      .object({
        role: text,
        parts: z.array(
          z.discriminatedUnion('type', [
            z.object({ type: z.enum(['text', 'reasoning']), text }),
            z.object({ type: z.literal('tool_call'), id: maybe, name: text, arguments: json }),
            z.object({ type: z.literal('tool_call_response'), id: maybe, result: json }),
            z.object({ type: z.literal('media'), modality: text, reference: text }),
          ]),
        ),
      })
      .meta({ id: 'Message' }),
  )
  .nullable();

const tokenParts = z.object(someOf<TokenPart>(TOKEN_PARTS, count)).meta({ id: 'TokenParts' });
const tokens = count.nullable();

export const Invocation = z
  .object({
    trace_id: text,
    span_id: text,
    started_at: time,
    ended_at: time.nullable(),
    service: text,
    instance: text,
    environment: text,
    operation: z.enum(['chat', 'text_completion', 'embeddings', 'other']),
    provider: text,
    request_model: text,
    response_model: text,
    service_tier: text,
    response_id: maybe,
    conversation_id: maybe,
    user_id: maybe,
    prompt: maybe,
    version: maybe,
    owner: maybe,
    attribution: text,
    prompt_hash: hash.nullable(),
    declared: z.object({ name: text, version: maybe, label: maybe }).nullable(),
    input: messages,
    output: messages,
    finish_reasons: z.array(text),
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_tokens: tokens,
    cache_write_tokens: tokens,
    reasoning_tokens: tokens,
    token_parts: tokenParts,
    web_searches: count,
    cost_usd: maybe.meta({ description: 'Decimal; null: not priced.' }),
    price: text,
    first_token_ms: z.number().nullable(),
    error: z.object({ type: text, message: text }).nullable(),
    evaluations: z.array(
      z.object({
        name: text,
        score: z.number().nullable(),
        label: maybe,
        explanation: maybe,
        by: maybe.meta({ description: 'Who judged.' }),
        id: maybe.meta({ description: 'The sender’s own id of it.' }),
      }),
    ),
    incomplete: z.array(text),
    dialects: z.array(text),
  })
  .meta({ id: 'Invocation' });

const quantile = z.number().nullable();
const quantiles = z.object({ p50: quantile, p95: quantile, p99: quantile }).meta({ id: 'Quantiles' });

export const Usage = z
  .object({
    ...someOf<UsageGroup>(USAGE_GROUPS, maybe),
    calls: count,
    errors: count,
    input_tokens: count,
    output_tokens: count,
    cache_read_tokens: count,
    cache_write_tokens: count,
    reasoning_tokens: count,
    token_parts: tokenParts,
    web_searches: count,
    cost_usd: text.meta({ description: 'Decimal: the sum over priced calls.' }),
    unpriced_calls: count,
    latency_ms: quantiles,
    first_token_ms: quantiles,
    output_tokens_of_call: quantiles,
    finish_reasons: z.record(text, count),
    evaluations: z.record(
      text,
      z.object({
        count,
        scored: count,
        mean_score: quantile,
        score_deviation: quantile,
        labels: z.record(text, count),
      }),
    ),
    baselines: z
      .record(text, z.object({ declared: z.number(), measured: quantile, of: count, margin: quantile }))
      .optional()
      .meta({ description: 'What the registry declares of the version, beside what these calls show.' }),
  })
  .meta({ id: 'Usage', description: 'The keys of the group beside the totals.' });

const match = {
  prompt: text,
  version: text,
  model: text,
  literal_bytes: count,
  gaps: count,
  hash: z.enum(['strict', 'transport', 'cosmetic']).nullable(),
};
const fit = z.object(match).meta({ id: 'Match' });
const piece = z.union([z.object({ literal: text }), z.object({ variable: text, value: text })]);

export const Attribution = z.object({
  kind: z.enum(ATTRIBUTION_KINDS),
  words: text,
  contradicts_declaration: z.boolean(),
  matches: z.array(
    z.object({
      ...match,
      variables: z.array(z.object({ name: text, value: text })),
      messages: z.array(z.object({ pieces: z.array(piece) })).nullable(),
      settings_differences: z.array(z.object({ setting: text, registered: json, observed: json })).nullable(),
    }),
  ),
  tie: z.object({ because: z.array(z.enum(TIE_REASONS)), others: z.array(fit) }).nullable(),
  competing: z.array(fit),
  near: z.array(z.object({ prompt: text, version: text, model: text, edited_bytes: count, diff: text })),
});

export const Variables = z.object({
  prompt: text,
  from: time,
  to: time,
  calls: count,
  calls_with_variables: count,
  calls_looked_at: count,
  data: z.array(
    z.object({
      name: text,
      calls: count,
      distinct: count,
      characters: z.object({ min: count, p50: z.number(), p95: z.number(), max: count }).nullable(),
      top: z.array(z.object({ value: text, kept: z.boolean(), calls: count })),
    }),
  ),
  next_cursor: nextCursor,
});

/** As ClickHouse's formats JSON and JSONCompact have it. */
export const SqlAnswer = z.object({
  meta: z.array(z.object({ name: text, type: text })),
  data: z.array(z.union([z.record(z.string(), json), z.array(json)])),
  rows: count,
  rows_before_limit_at_least: count.optional(),
  statistics: z.object({ elapsed: z.number(), rows_read: count, bytes_read: count }),
});
