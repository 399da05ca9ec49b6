/** A settled invocation as a row of `invocations`. Pure but for the outbox, which collects what the row refers to. */

import { hash as digest } from 'node:crypto';
import type { Invocation, Message } from '../../contract/invocation.ts';
import type { CallPrice } from '../../contract/invocation-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { nanosFromTimestamp } from '../../lib/time.ts';
import type { ContentSpace } from '../content/content-space.ts';
import type { Outbox } from '../content/outbox.ts';
import type { AttributedAs } from './attribution.ts';

/** What is not in a column of its own. */
export interface InvocationExtras {
  readonly label?: string;
  readonly template?: string;
  readonly variables?: Invocation['variables'];
  readonly settings?: Invocation['settings'];
  readonly evaluations?: Invocation['evaluations'];
}

export interface RowDraft {
  /** All columns but `ingested_at`, `revision` and `is_deleted`, without the closing brace. */
  readonly head: string;
  /** Equal when nothing that is stored has changed. */
  readonly contentHash: string;
}

export function draftRow(
  call: Invocation,
  promptHash: string,
  attributed: AttributedAs,
  price: CallPrice | null,
  space: ContentSpace,
  outbox: Outbox,
): RowDraft {
  const columns = {
    trace_id: call.traceId,
    span_id: call.spanId,
    started_at: call.startedAt,
    ended_at: call.endedAt,
    service: call.service,
    instance: call.instance,
    environment: call.environment,
    operation: call.operation,
    provider: call.provider,
    request_model: call.requestModel,
    response_model: call.responseModel,
    response_id: call.responseId ?? '',
    conversation_id: call.conversationId ?? '',
    user_id: call.userId ?? '',
    declared_prompt: call.declared?.name ?? '',
    declared_version: call.declared?.version ?? '',
    prompt: attributed.prompt ?? '',
    version: attributed.version ?? '',
    owner: attributed.owner ?? '',
    attribution_kind: attributed.kind,
    prompt_hash: promptHash,
    input: call.input === null ? '-' : storedList(call.input, space, outbox),
    output: call.output === null ? '-' : JSON.stringify(call.output),
    extras: JSON.stringify(extrasOf(call)),
    finish_reasons: call.finishReasons,
    input_tokens: tokenCount(call.tokens.input),
    output_tokens: tokenCount(call.tokens.output),
    cache_read_tokens: tokenCount(call.tokens.cacheRead),
    cache_write_tokens: tokenCount(call.tokens.cacheWrite),
    reasoning_tokens: tokenCount(call.tokens.reasoning),
    cost_usd: money(price?.costUsd ?? null),
    price_id: price?.priceId ?? '',
    reported_cost_usd: money(call.reportedCostUsd),
    latency_ms: latencyMs(call),
    first_token_ms: call.firstTokenMs,
    error_type: call.error?.type ?? '',
    error_message: call.error?.message ?? '',
    incomplete: call.incomplete,
    dialects: call.dialects,
  };
  const json = JSON.stringify(columns);
  const contentHash = digest('md5', json, 'hex').slice(0, 16);
  return { head: `${json.slice(0, -1)},"content_hash":"${contentHash}"`, contentHash };
}

export function rowLine(draft: RowDraft, ingestedAt: Timestamp, revision: bigint): string {
  return `${draft.head},"ingested_at":"${ingestedAt}","revision":"${revision}","is_deleted":0}\n`;
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

function storedList(messages: readonly Message[], space: ContentSpace, outbox: Outbox): string {
  const node = space.lists.find(messages);
  outbox.addList(node);
  return node.hash;
}

function extrasOf(call: Invocation): InvocationExtras {
  return {
    ...(call.declared !== null && call.declared.label !== null && { label: call.declared.label }),
    ...(call.template !== null && { template: call.template }),
    ...(call.variables !== null && { variables: call.variables }),
    ...(Object.keys(call.settings).length > 0 && { settings: call.settings }),
    ...(call.evaluations.length > 0 && { evaluations: call.evaluations }),
  };
}

/** What no emitter can mean is not known, rather than a row that the store refuses. */
function tokenCount(count: number | null): number | null {
  return count !== null && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

// Decimal(18, 10) holds less than a hundred million.
const USD_MAX = 99_999_999;

function money(amount: string | null): string | null {
  if (amount === null || !/^\d+(?:\.\d+)?$/.test(amount) || Number(amount) > USD_MAX) return null;
  return amount;
}

function latencyMs(call: Invocation): number | null {
  if (call.endedAt === null) return null;
  return Number(nanosFromTimestamp(call.endedAt) - nanosFromTimestamp(call.startedAt)) / 1e6;
}
