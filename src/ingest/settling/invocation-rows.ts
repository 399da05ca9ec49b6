/** A settled invocation as a row of `invocations`. Pure. */

import { type Invocation, TOKEN_PARTS, type TokenParts } from '../../contract/invocation.ts';
import { COST_USD_MAX, type CallPrice } from '../../contract/invocation-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { jsonText } from '../../lib/json.ts';
import { exactMillisBetween } from '../../lib/time.ts';
import type { AttributedAs } from './attribution.ts';

/** What is not in a column of its own. */
export interface InvocationExtras {
  readonly label?: string;
  readonly template?: string;
  readonly variables?: Invocation['variables'];
  readonly settings?: Invocation['settings'];
  readonly evaluations?: Invocation['evaluations'];
}

/** The row up to `content_hash`, which is made of it. */
export function rowBeginning(
  call: Invocation,
  promptHash: string,
  variablesHash: string,
  attributed: AttributedAs,
  price: CallPrice | null,
): string {
  const { tokens } = call;
  return (
    `{"trace_id":"${call.traceId}","span_id":"${call.spanId}","started_at":"${call.startedAt}"` +
    word('ended_at', call.endedAt) +
    text('service', call.service) +
    text('instance', call.instance) +
    text('environment', call.environment) +
    word('operation', call.operation) +
    text('provider', call.provider) +
    text('request_model', call.requestModel) +
    text('response_model', call.responseModel) +
    text('service_tier', call.serviceTier) +
    text('response_id', call.responseId) +
    text('conversation_id', call.conversationId) +
    text('user_id', call.userId) +
    text('declared_prompt', call.declared?.name) +
    text('declared_version', call.declared?.version) +
    text('prompt', attributed.prompt) +
    text('version', attributed.version) +
    text('owner', attributed.owner) +
    word('attribution_kind', attributed.kind) +
    word('prompt_hash', promptHash) +
    word('variables_hash', variablesHash) +
    text('input', call.input === null ? null : JSON.stringify(call.input)) +
    text('output', call.output === null ? null : JSON.stringify(call.output)) +
    text('extras', extrasOf(call)) +
    texts('finish_reasons', call.finishReasons) +
    count('input_tokens', tokens.input) +
    count('output_tokens', tokens.output) +
    count('cache_read_tokens', tokens.cacheRead) +
    count('cache_write_tokens', tokens.cacheWrite) +
    count('reasoning_tokens', tokens.reasoning) +
    (tokens.parts === undefined ? '' : counts('token_parts', tokens.parts)) +
    count('web_searches', tokens.webSearches ?? null) +
    word('cost_usd', money(price?.costUsd ?? null)) +
    text('price_id', price?.priceId) +
    word('reported_cost_usd', money(call.reportedCostUsd)) +
    measure('latency_ms', latencyMs(call)) +
    measure('first_token_ms', call.firstTokenMs) +
    text('error_type', call.error?.type) +
    text('error_message', call.error?.message) +
    texts('incomplete', call.incomplete) +
    texts('dialects', call.dialects)
  );
}

// What is empty is left out: the column's default says the same, and nobody has to read it.

function text(column: string, value: string | null | undefined): string {
  return value === '' || value === null || value === undefined ? '' : `,"${column}":${jsonText(value)}`;
}

/** Our own words, hashes, times and amounts, in which nothing needs escaping. */
function word(column: string, value: string | null): string {
  return value === '' || value === null ? '' : `,"${column}":"${value}"`;
}

function texts(column: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `,"${column}":${JSON.stringify(values)}`;
}

function measure(column: string, value: number | null): string {
  return value === null || !Number.isFinite(value) ? '' : `,"${column}":${value}`;
}

/** What no emitter can mean is not known, rather than a row that the store refuses. */
function count(column: string, value: number | null): string {
  return value === null || !Number.isSafeInteger(value) || value < 0 ? '' : `,"${column}":${value}`;
}

/** Always in one order: who reported a part first makes no other row. */
function counts(column: string, parts: TokenParts): string {
  const known = TOKEN_PARTS.map((part) => count(part, parts[part] ?? null)).join('');
  return known === '' ? '' : `,"${column}":{${known.slice(1)}}`;
}

export function rowEnd(contentHash: string, ingestedAt: Timestamp, revision: bigint): string {
  return `,"content_hash":"${contentHash}","ingested_at":"${ingestedAt}","revision":"${revision}","is_deleted":0}\n`;
}

/** Takes a row back: it has turned out not to be the call. */
export function tombstoneLine(
  identity: { readonly traceId: string; readonly spanId: string; readonly startedAt: Timestamp },
  ingestedAt: Timestamp,
  revision: bigint,
): string {
  const { traceId, spanId, startedAt } = identity;
  return (
    `{"trace_id":"${traceId}","span_id":"${spanId}","started_at":"${startedAt}",` +
    `"ingested_at":"${ingestedAt}","revision":"${revision}","is_deleted":1}\n`
  );
}

function extrasOf(call: Invocation): string {
  const extras: InvocationExtras = {
    ...(call.declared !== null && call.declared.label !== null && { label: call.declared.label }),
    ...(call.template !== null && { template: call.template }),
    ...(call.variables !== null && { variables: call.variables }),
    ...(Object.keys(call.settings).length > 0 && { settings: call.settings }),
    ...(call.evaluations.length > 0 && { evaluations: call.evaluations }),
  };
  const json = JSON.stringify(extras);
  return json === '{}' ? '' : json;
}

function money(amount: string | null): string | null {
  if (amount === null || !/^\d+(?:\.\d+)?$/.test(amount) || Number(amount) > COST_USD_MAX) return null;
  return amount;
}

function latencyMs(call: Invocation): number | null {
  // What ended before it began was measured with two clocks.
  if (call.endedAt === null || call.endedAt < call.startedAt) return null;
  return exactMillisBetween(call.startedAt, call.endedAt);
}
