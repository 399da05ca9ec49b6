/**
 * Reads what calls answered: first which calls, then the outputs of these, in the order in which they are stored, so
 * that each part of an hour is read once, and no more texts are in memory than whoever asks keeps.
 */

import type { Message } from '../../contract/invocation.ts';
import type { AnswersOfHour, Output, OutputOf, OutputSeries } from '../../contract/output-log.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { compareText } from '../../lib/compare.ts';
import { addMillis, millisFromTimestamp } from '../../lib/time.ts';
import { parseReference, type Reference } from '../../text/reference.ts';
import type { Database } from '../database.ts';
import { startedBefore, startedSince, startedUntil } from './started.ts';

const HOUR_MS = 3_600_000;
/** Of a timestamp. */
const HOUR_CHARACTERS = '2026-11-20T02'.length;
const CALLS_PER_QUERY = 1_000;

type Answer = OutputOf & { readonly output: Output };

interface PickedRow extends OutputSeries {
  readonly calls: number;
  readonly picked: readonly (readonly [traceId: string, spanId: string, startedAt: string])[];
}

/** As `OutputLog.answers`. */
export async function* readAnswers(
  database: Database,
  texts: TextLog,
  hour: Timestamp,
  answersMax: number,
  seriesMax: number,
): AsyncIterable<readonly AnswersOfHour[]> {
  const rows = await pickCalls(database, hour, answersMax, seriesMax);
  const picked = rows.flatMap(({ environment, prompt, version, model, calls, picked: some }) => {
    const of = { series: { environment, prompt, version, model }, calls };
    return some.map(([traceId, spanId, at]) => ({ traceId, spanId, startedAt: at as Timestamp, of }));
  });
  for (const piece of chunks(inStoredOrder(picked), CALLS_PER_QUERY)) {
    const outputs = await readOutputs(database, texts, piece);
    const answered = Map.groupBy(piece, ({ of }) => of);
    yield [...answered].map(([of, calls]) => ({
      ...of,
      answers: calls.flatMap(({ traceId, spanId, startedAt }): Answer[] => {
        const output = outputs.get(keyOf({ traceId, spanId }));
        return output === undefined ? [] : [{ traceId, spanId, startedAt, output }];
      }),
    }));
  }
}

/** The calls with the smallest hashes are an even sample of an hour, and the same when it is read again. */
function pickCalls(
  database: Database,
  hour: Timestamp,
  answersMax: number,
  seriesMax: number,
): Promise<readonly PickedRow[]> {
  return database.query<PickedRow>(
    `SELECT environment, prompt, version, if(request_model = '', response_model, request_model) AS model,
       toFloat64(count()) AS calls,
       arrayMap(
         one -> (one.2, one.3, one.4),
         groupArraySorted(${Math.floor(answersMax)})((cityHash64(trace_id, span_id), trace_id, span_id, started_at))
       ) AS picked
     FROM invocations FINAL
     WHERE ${startedSince('from')} AND ${startedBefore('to')} AND is_deleted = 0 AND error_type = ''
       AND prompt != '' AND version != '' AND operation IN ('chat', 'text_completion')
     GROUP BY environment, prompt, version, model
     ORDER BY calls DESC, environment, prompt, version, model LIMIT {seriesMax:UInt32}`,
    { from: hour, to: addMillis(hour, HOUR_MS), seriesMax },
  );
}

interface OutputRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly output: string;
  readonly finish_reasons: readonly string[];
  readonly response_model: string;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly is_captured: number;
}

/** By `keyOf`; of at most `CALLS_PER_QUERY`. */
async function readOutputs(
  database: Database,
  texts: TextLog,
  calls: readonly OutputOf[],
): Promise<ReadonlyMap<string, Output>> {
  const times = calls.map(({ startedAt }) => startedAt).toSorted();
  const [from, to] = [times[0], times.at(-1)];
  if (from === undefined || to === undefined) return new Map();
  const rows = await database.query<OutputRow>(
    `SELECT trace_id, span_id, output, finish_reasons, response_model, toFloat64(input_tokens) AS input_tokens,
       toFloat64(output_tokens) AS output_tokens, toFloat64(reasoning_tokens) AS reasoning_tokens,
       NOT has(incomplete, 'content_not_captured') AS is_captured
     FROM invocations FINAL
     WHERE ${startedSince('from')} AND ${startedUntil('to')} AND is_deleted = 0
       AND (toStartOfHour(started_at), trace_id, span_id) IN (
         SELECT arrayJoin(arrayZip(
           arrayMap(hour -> toDateTime(hour, 'UTC'), {hours:Array(UInt32)}), {traces:Array(String)}, {spans:Array(String)}
         ))
       )`,
    {
      from,
      to,
      hours: calls.map(({ startedAt }) => Math.floor(millisFromTimestamp(startedAt) / HOUR_MS) * 3_600),
      traces: calls.map(({ traceId }) => traceId),
      spans: calls.map(({ spanId }) => spanId),
    },
  );
  const said = rows.map((row) => ({ row, messages: row.output === '' ? null : (JSON.parse(row.output) as Message[]) }));
  const content = await texts.get([...new Set(said.flatMap(({ messages }) => textsOf(messages)))]);
  return new Map(
    said.map(({ row, messages }) => {
      return [keyOf({ traceId: row.trace_id, spanId: row.span_id }), toOutput(row, messages, content)];
    }),
  );
}

/** The texts of these, in their order; null where they are not kept any more, or never were. */
export async function readOutputTexts(
  database: Database,
  texts: TextLog,
  outputs: readonly OutputOf[],
): Promise<readonly (OutputOf & { readonly text: string | null })[]> {
  const found = new Map<string, string | null>();
  for (const piece of chunks(inStoredOrder(outputs), CALLS_PER_QUERY)) {
    for (const [key, { text }] of await readOutputs(database, texts, piece)) found.set(key, text);
  }
  return outputs.map(({ traceId, spanId, startedAt }) => {
    return { traceId, spanId, startedAt, text: found.get(keyOf({ traceId, spanId })) ?? null };
  });
}

function keyOf({ traceId, spanId }: Pick<OutputOf, 'traceId' | 'spanId'>): string {
  return `${traceId} ${spanId}`;
}

function inStoredOrder<Call extends OutputOf>(calls: readonly Call[]): readonly Call[] {
  return calls.toSorted(
    (a, b) =>
      compareText(a.startedAt.slice(0, HOUR_CHARACTERS), b.startedAt.slice(0, HOUR_CHARACTERS)) ||
      compareText(a.traceId, b.traceId) ||
      compareText(a.spanId, b.spanId),
  );
}

function textsOf(messages: readonly Message[] | null): readonly ContentHash[] {
  return saidIn(messages ?? []).flatMap((text) => referenceIn(text)?.hash ?? []);
}

/** Packed: each a text, a reference to one, or what was kept as JSON. */
function saidIn(messages: readonly Message[]): readonly unknown[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));
}

function referenceIn(text: unknown): Reference | null {
  return typeof text === 'string' ? parseReference(text) : null;
}

function toOutput(
  row: OutputRow,
  messages: readonly Message[] | null,
  content: ReadonlyMap<ContentHash, string>,
): Output {
  const parts = (messages ?? []).flatMap((message) => message.parts);
  return {
    text: messages === null ? nothingSaid(row) : textOf(saidIn(messages), content),
    tools: parts.flatMap((part) => (part.type === 'tool_call' ? [part.name] : [])),
    finishReason: row.finish_reasons.toSorted().join(' '),
    responseModel: row.response_model,
    outputTokens: row.output_tokens,
    inputTokens: row.input_tokens,
  };
}

/** Answers in which nothing is said are not sent. Where no token but thoughts was made either, there was nothing to send. */
function nothingSaid({ is_captured, output_tokens, reasoning_tokens }: OutputRow): '' | null {
  return is_captured === 1 && output_tokens !== null && output_tokens === (reasoning_tokens ?? 0) ? '' : null;
}

/** Null: not all of it is kept. */
function textOf(said: readonly unknown[], content: ReadonlyMap<ContentHash, string>): string | null {
  const texts = said.map((text): string | undefined => {
    const reference = referenceIn(text);
    // Where its hash only is to be kept, it is not known from elsewhere either.
    if (reference !== null) return reference.form === 'h' ? undefined : content.get(reference.hash);
    // What was kept as JSON is a text again.
    return typeof text === 'string' ? text : JSON.stringify(text);
  });
  return texts.every((text) => text !== undefined) ? texts.join('\n\n') : null;
}
