/**
 * Reads what calls answered: first which calls, then the outputs of these, in the order in which they are stored, so
 * that each part of an hour is read once, and no more texts are in memory than whoever asks keeps.
 */

import type { Message, MessagePart } from '../../contract/invocation.ts';
import type { AnswersOfHour, Output, OutputOf, OutputSeries, SeriesOfHour } from '../../contract/output-log.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { compareText } from '../../lib/compare.ts';
import { beginningOfHour } from '../../lib/time.ts';
import { parseReference, type Reference } from '../../text/reference.ts';
import type { Database } from '../database.ts';
import { ASKED_MODEL, COMPARED_CALL } from './output-hours.ts';
import { parametersOfSeries, SERIES, seriesOf } from './output-series.ts';
import { secondsOf, startedInHours } from './started.ts';

const CALLS_PER_QUERY = 1_000;

type Answer = OutputOf & { readonly output: Output };

/** Whose output is read. */
interface Call {
  readonly hour: Timestamp;
  readonly traceId: string;
  readonly spanId: string;
}

interface PickedRow extends OutputSeries {
  readonly hour: Timestamp;
  readonly traces: readonly string[];
  readonly spans: readonly string[];
}

/** As `OutputLog.answers`. */
export async function* readAnswers(
  database: Database,
  texts: TextLog,
  of: readonly SeriesOfHour[],
  answersMax: number,
): AsyncIterable<readonly AnswersOfHour[]> {
  const rows = await pickCalls(database, of, answersMax);
  const picked = rows.flatMap((row) => {
    const own = { series: seriesOf(row), hour: row.hour };
    return row.traces.map((traceId, at) => ({ traceId, spanId: row.spans[at] as string, hour: row.hour, of: own }));
  });
  for (const piece of chunks(inStoredOrder(picked), CALLS_PER_QUERY)) {
    const outputs = await readOutputs(database, texts, piece);
    const answered = Map.groupBy(piece, (call) => call.of);
    yield [...answered].map(([own, calls]) => ({
      ...own,
      answers: calls.flatMap((call) => outputs.get(keyOf(call)) ?? []),
    }));
  }
}

/** The calls with the smallest hashes are an even sample of an hour, and the same when it is read again. */
async function pickCalls(
  database: Database,
  of: readonly SeriesOfHour[],
  answersMax: number,
): Promise<readonly PickedRow[]> {
  if (of.length === 0) return [];
  const hours = of.map(({ hour }) => secondsOf(hour));
  return await database.query<PickedRow>(
    `SELECT toDateTime64(call_hour, 9, 'UTC') AS hour, environment, prompt, version, model,
       arrayMap(one -> one.2, picked) AS traces, arrayMap(one -> one.3, picked) AS spans
     FROM (
       SELECT call_hour, environment, prompt, version, model,
         groupArraySorted(${Math.floor(answersMax)})((cityHash64(trace_id, span_id), trace_id, span_id)) AS picked
       FROM (
         SELECT toStartOfHour(started_at) AS call_hour, environment, prompt, version, ${ASKED_MODEL} AS model,
           trace_id, span_id
         FROM invocations FINAL WHERE ${startedInHours('hours')} AND ${COMPARED_CALL}
       )
       WHERE (${SERIES}, toUnixTimestamp(call_hour)) IN (
         SELECT arrayJoin(arrayZip(
           {prompts:Array(String)}, {environments:Array(String)}, {versions:Array(String)}, {models:Array(String)},
           {ofHours:Array(UInt32)}
         ))
       )
       GROUP BY call_hour, environment, prompt, version, model
     )`,
    { ...parametersOfSeries(of.map(({ series }) => series)), hours: [...new Set(hours)], ofHours: hours },
  );
}

interface OutputRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
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
  calls: readonly Call[],
): Promise<ReadonlyMap<string, Answer>> {
  const hours = calls.map(({ hour }) => secondsOf(hour));
  const rows = await database.query<OutputRow>(
    `SELECT trace_id, span_id, started_at, output, finish_reasons, response_model,
       toFloat64(input_tokens) AS input_tokens, toFloat64(output_tokens) AS output_tokens,
       toFloat64(reasoning_tokens) AS reasoning_tokens, NOT has(incomplete, 'content_not_captured') AS is_captured
     FROM invocations FINAL
     WHERE ${startedInHours('hours')} AND is_deleted = 0
       AND (toStartOfHour(started_at), trace_id, span_id) IN (
         SELECT arrayJoin(arrayZip(
           arrayMap(hour -> toDateTime(hour, 'UTC'), {ofHours:Array(UInt32)}), {traces:Array(String)}, {spans:Array(String)}
         ))
       )`,
    {
      hours: [...new Set(hours)],
      ofHours: hours,
      traces: calls.map(({ traceId }) => traceId),
      spans: calls.map(({ spanId }) => spanId),
    },
  );
  const said = rows.map((row) => ({ row, messages: row.output === '' ? null : (JSON.parse(row.output) as Message[]) }));
  const content = await texts.get([...new Set(said.flatMap(({ messages }) => textsOf(messages)))]);
  return new Map(
    said.map(({ row, messages }) => {
      const of = { traceId: row.trace_id, spanId: row.span_id, startedAt: row.started_at };
      return [keyOf(of), { ...of, output: toOutput(row, messages, content) }];
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
  const calls = outputs.map((of) => ({ ...of, hour: beginningOfHour(of.startedAt) }));
  for (const piece of chunks(inStoredOrder(calls), CALLS_PER_QUERY)) {
    for (const [key, { output }] of await readOutputs(database, texts, piece)) found.set(key, output.text);
  }
  return outputs.map(({ traceId, spanId, startedAt }) => {
    return { traceId, spanId, startedAt, text: found.get(keyOf({ traceId, spanId })) ?? null };
  });
}

function keyOf({ traceId, spanId }: Pick<OutputOf, 'traceId' | 'spanId'>): string {
  return `${traceId} ${spanId}`;
}

function inStoredOrder<Some extends Call>(calls: readonly Some[]): readonly Some[] {
  return calls.toSorted(
    (a, b) => compareText(a.hour, b.hour) || compareText(a.traceId, b.traceId) || compareText(a.spanId, b.spanId),
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
    tools: messages === null && nothingSaid(row) === null ? null : toolsIn(parts),
    finishReason: row.finish_reasons.toSorted().join(' '),
    responseModel: row.response_model,
    outputTokens: row.output_tokens,
    inputTokens: row.input_tokens,
  };
}

function toolsIn(parts: readonly MessagePart[]): readonly string[] {
  return parts.flatMap((part) => (part.type === 'tool_call' ? [part.name] : []));
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
