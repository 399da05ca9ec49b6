/**
 * Facts as rows of `span_facts`, and back. A row holds no text of its own: long texts and message
 * lists are stored beside it, once. Reading a row back gives packed facts, which is all that
 * settling needs.
 */

import type { Message } from '../../contract/invocation.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { StoredFacts } from '../../contract/telemetry-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { listsOfMessages, readMessages } from '../../text/stored-messages.ts';
import type { ContentSpace } from './content-space.ts';
import type { Outbox } from './outbox.ts';

/** The `facts` column: packed facts without what other columns hold, and messages as they are stored. */
type FactsColumn = Omit<SpanFacts, 'traceId' | 'spanId' | 'recordId' | 'startedAt' | 'system' | 'input'> & {
  readonly system?: string;
  readonly input?: string;
};

/** One line of `span_facts`. What the line refers to is added to the outbox. */
export function factsLine(packed: SpanFacts, space: ContentSpace, receivedAt: Timestamp, outbox: Outbox): string {
  const { traceId, spanId, recordId, startedAt, system, input, ...rest } = packed;
  const column: { -readonly [Key in keyof FactsColumn]: FactsColumn[Key] } = rest;
  if (system !== undefined) column.system = space.storeMessages(system, outbox);
  if (input !== undefined) column.input = space.storeMessages(input, outbox);
  const record = recordId === '' ? '' : `"record_id":"${recordId}",`;
  const response = packed.responseId === undefined ? '' : `"response_id":${JSON.stringify(packed.responseId)},`;
  // The ids are hex or hashes and the times are timestamps: none needs escaping.
  return (
    `{"trace_id":"${traceId}","span_id":"${spanId}",${record}${response}"started_at":"${startedAt}",` +
    `"received_at":"${receivedAt}","facts":${JSON.stringify(column)}}\n`
  );
}

/** The list hashes that a row needs to be read. */
export function listsOf(row: StoredFacts): readonly string[] {
  if (!row.facts.includes('list')) return [];
  const { system = '', input = '' } = JSON.parse(row.facts) as FactsColumn;
  return [...listsOfMessages(system), ...listsOfMessages(input)];
}

/** A list that is not there reads as no content: the facts are then incomplete, not wrong. */
export function factsOfRow(
  row: StoredFacts,
  lists: ReadonlyMap<string, readonly string[]>,
  parse: (json: string) => Message,
): SpanFacts {
  const { system, input, ...rest } = JSON.parse(row.facts) as FactsColumn;
  const systemMessages = system === undefined ? null : readMessages(system, lists, parse);
  const inputMessages = input === undefined ? null : readMessages(input, lists, parse);
  const { traceId, spanId, recordId, startedAt } = row;
  return {
    traceId,
    spanId,
    recordId,
    startedAt,
    ...rest,
    ...(systemMessages !== null && { system: systemMessages }),
    ...(inputMessages !== null && { input: inputMessages }),
  };
}

/** The same from a line of the spool. */
export function rowOfLine(line: string): StoredFacts {
  const row = JSON.parse(line) as {
    trace_id: string;
    span_id: string;
    record_id?: string;
    started_at: Timestamp;
    facts: FactsColumn;
  };
  return {
    traceId: row.trace_id,
    spanId: row.span_id,
    recordId: row.record_id ?? '',
    startedAt: row.started_at,
    facts: JSON.stringify(row.facts),
  };
}
