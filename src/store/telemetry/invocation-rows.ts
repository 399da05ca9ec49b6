/** Rows of `invocations` back to invocations, with texts and message lists put in their places again. */

import type { AttributionKind } from '../../contract/attribution.ts';
import type {
  Evaluation,
  IncompleteReason,
  Invocation,
  Message,
  MessagePart,
  Operation,
  TokenParts,
} from '../../contract/invocation.ts';
import type { InvocationRow } from '../../contract/invocation-log.ts';
import type { ContentHash, Json, PromptSettings } from '../../contract/prompt.ts';
import type { TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { expandLists, listOf, parseReference } from '../../text/reference.ts';
import type { Database } from '../database.ts';
import { readMessageLists } from './message-lists.ts';
import { partsOfRow, searchesOfRow, TOKEN_PARTS_COLUMN } from './priced-rows.ts';

const COLUMNS = [
  'trace_id',
  'span_id',
  'started_at',
  'ended_at',
  'service',
  'instance',
  'environment',
  'operation',
  'provider',
  'request_model',
  'response_model',
  'service_tier',
  'response_id',
  'conversation_id',
  'user_id',
  'declared_prompt',
  'declared_version',
  'prompt',
  'version',
  'owner',
  'attribution_kind',
  'prompt_hash',
  'input',
  'output',
  'extras',
  'finish_reasons',
  'toFloat64(input_tokens) AS input_tokens',
  'toFloat64(output_tokens) AS output_tokens',
  'toFloat64(cache_read_tokens) AS cache_read_tokens',
  'toFloat64(cache_write_tokens) AS cache_write_tokens',
  'toFloat64(reasoning_tokens) AS reasoning_tokens',
  `${TOKEN_PARTS_COLUMN} AS parts`,
  'toFloat64(web_searches) AS searches',
  'cost_usd',
  'price_id',
  'reported_cost_usd',
  'first_token_ms',
  'error_type',
  'error_message',
  'incomplete',
  'dialects',
] as const;

export const INVOCATION_COLUMNS = COLUMNS.join(', ');

export interface StoredCall {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
  readonly ended_at: Timestamp | null;
  readonly service: string;
  readonly instance: string;
  readonly environment: string;
  readonly operation: Operation;
  readonly provider: string;
  readonly request_model: string;
  readonly response_model: string;
  readonly service_tier: string;
  readonly response_id: string;
  readonly conversation_id: string;
  readonly user_id: string;
  readonly declared_prompt: string;
  readonly declared_version: string;
  readonly prompt: string;
  readonly version: string;
  readonly owner: string;
  readonly attribution_kind: AttributionKind;
  readonly prompt_hash: ContentHash | '';
  /** JSON of packed messages, lists among them; empty for no content. */
  readonly input: string;
  /** JSON of packed messages; empty for none. */
  readonly output: string;
  readonly extras: string;
  readonly finish_reasons: readonly string[];
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly parts: TokenParts;
  readonly searches: number;
  readonly cost_usd: string | null;
  readonly price_id: string;
  readonly reported_cost_usd: string | null;
  readonly first_token_ms: number | null;
  readonly error_type: string;
  readonly error_message: string;
  readonly incomplete: readonly IncompleteReason[];
  readonly dialects: readonly string[];
}

interface Extras {
  readonly label?: string;
  readonly template?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly settings?: PromptSettings;
  readonly evaluations?: readonly Evaluation[];
}

export async function readableInvocations(
  database: Database,
  texts: TextLog,
  rows: readonly StoredCall[],
): Promise<readonly InvocationRow[]> {
  const lists = await readMessageLists(
    (sql, parameters) => database.query(sql, parameters),
    [...new Set(rows.flatMap(listsOfRow))],
  );
  const packed = rows.map((row) => pack(row, lists));
  const hashes = new Set<ContentHash>();
  for (const each of packed) collectReferences(each, hashes);
  const content = await texts.get([...hashes]);
  return rows.map((row, index) => toRow(row, unpack(packed[index] as Packed, content)));
}

interface Packed {
  readonly input: readonly Message[] | null;
  readonly output: readonly Message[] | null;
  readonly extras: Extras;
  readonly userId: string;
  readonly errorMessage: string;
}

function messagesOf(column: string): readonly Message[] | null {
  return column === '' ? null : (JSON.parse(column) as Message[]);
}

function listsOfRow(row: StoredCall): readonly ContentHash[] {
  return (messagesOf(row.input) ?? []).flatMap((message) => listOf(message) ?? []);
}

function pack(row: StoredCall, lists: ReadonlyMap<string, readonly string[]>): Packed {
  const input = messagesOf(row.input);
  return {
    input: input === null ? null : expandLists(input, (hash) => lists.get(hash)),
    output: messagesOf(row.output),
    extras: JSON.parse(row.extras === '' ? '{}' : row.extras) as Extras,
    userId: row.user_id,
    errorMessage: row.error_message,
  };
}

function collectReferences(value: unknown, hashes: Set<ContentHash>): void {
  if (typeof value === 'string') {
    const reference = parseReference(value);
    if (reference !== null && reference.form !== 'h') hashes.add(reference.hash);
  } else if (value !== null && typeof value === 'object') {
    for (const nested of Object.values(value)) collectReferences(nested, hashes);
  }
}

/** Every reference in it, however deep, becomes what it refers to. */
function unpack<Value>(value: Value, content: ReadonlyMap<ContentHash, string>): Value {
  if (typeof value === 'string') return resolve(value, content) as Value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((nested: unknown) => unpack(nested, content)) as Value;
  return Object.fromEntries(
    Object.entries(value).map(([key, nested]) => [key, unpack(nested as unknown, content)]),
  ) as Value;
}

function resolve(text: string, content: ReadonlyMap<ContentHash, string>): Json {
  const reference = parseReference(text);
  if (reference === null) return text;
  const whole = content.get(reference.hash);
  if (whole === undefined) return `[not kept: ${reference.hash}]`;
  return reference.form === 'j' ? parsedOrText(whole) : whole;
}

/** Redaction may have made it something else than JSON. */
function parsedOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function toRow(row: StoredCall, { input, output, extras, userId, errorMessage }: Packed): InvocationRow {
  const { label, template, variables, settings, evaluations } = extras;
  const declared = { name: row.declared_prompt, version: orNull(row.declared_version), label: label ?? null };
  return {
    invocation: {
      traceId: row.trace_id,
      spanId: row.span_id,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      service: row.service,
      instance: row.instance,
      environment: row.environment,
      operation: row.operation,
      provider: row.provider,
      requestModel: row.request_model,
      responseModel: row.response_model,
      serviceTier: row.service_tier,
      responseId: orNull(row.response_id),
      conversationId: orNull(row.conversation_id),
      userId: orNull(userId),
      declared: row.declared_prompt === '' ? null : declared,
      template: template ?? null,
      variables: variables ?? null,
      input: input?.map(readableMessage) ?? null,
      output: output?.map(readableMessage) ?? null,
      settings: settings ?? {},
      finishReasons: row.finish_reasons,
      tokens: tokensOf(row),
      reportedCostUsd: row.reported_cost_usd,
      firstTokenMs: row.first_token_ms,
      error: row.error_type === '' ? null : { type: row.error_type, message: errorMessage },
      evaluations: evaluations ?? [],
      incomplete: row.incomplete,
      dialects: row.dialects,
    },
    prompt: orNull(row.prompt),
    version: orNull(row.version),
    owner: orNull(row.owner),
    attribution: row.attribution_kind,
    promptHash: row.prompt_hash === '' ? null : row.prompt_hash,
    costUsd: row.cost_usd,
    priceId: row.price_id,
  };
}

function tokensOf(row: StoredCall): Invocation['tokens'] {
  return {
    input: row.input_tokens,
    output: row.output_tokens,
    cacheRead: row.cache_read_tokens,
    cacheWrite: row.cache_write_tokens,
    reasoning: row.reasoning_tokens,
    ...partsOfRow(row.parts),
    ...searchesOfRow(row.searches),
  };
}

/** A text that was kept as JSON is a text again. */
function readableMessage(message: Message): Message {
  return { role: message.role, parts: message.parts.map(readablePart) };
}

function readablePart(part: MessagePart): MessagePart {
  if (part.type !== 'text' && part.type !== 'reasoning') return part;
  return typeof part.text === 'string' ? part : { type: part.type, text: JSON.stringify(part.text) };
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}
