/**
 * Facts as rows of `span_facts`, and back. A row holds no text of its own: long texts and message
 * lists are stored beside it, once. Reading a row back gives packed facts, which is all that
 * settling needs.
 */

import type { Message } from '../../contract/invocation.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { StoredFacts } from '../../contract/telemetry-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { ContentSpace } from './content-space.ts';
import type { Outbox } from './outbox.ts';

/** The `facts` column: packed facts with lists as hashes, without what other columns hold. */
type FactsColumn = Omit<SpanFacts, 'traceId' | 'spanId' | 'recordId' | 'startedAt' | 'system' | 'input'> & {
  readonly system?: string;
  readonly input?: string;
};

/** One line of `span_facts`. What the line refers to is added to the outbox. */
export function factsLine(packed: SpanFacts, space: ContentSpace, receivedAt: Timestamp, outbox: Outbox): string {
  const { traceId, spanId, recordId, startedAt, system, input, ...rest } = packed;
  const column: FactsColumn = {
    ...rest,
    ...(system !== undefined && { system: listHash(system, space, outbox) }),
    ...(input !== undefined && { input: listHash(input, space, outbox) }),
  };
  // The ids are hex or hashes and the times are timestamps: none needs escaping.
  return (
    `{"trace_id":"${traceId}","span_id":"${spanId}","record_id":"${recordId}","started_at":"${startedAt}",` +
    `"received_at":"${receivedAt}","response_id":${JSON.stringify(packed.responseId ?? '')},"facts":${JSON.stringify(column)}}\n`
  );
}

function listHash(messages: readonly Message[], space: ContentSpace, outbox: Outbox): string {
  const node = space.lists.find(messages);
  outbox.addList(node);
  return node.hash;
}

/** The list hashes that a row needs to be read. */
export function listsOf(row: StoredFacts): readonly string[] {
  const { system, input } = JSON.parse(row.facts) as FactsColumn;
  return [system, input].filter((hash): hash is string => hash !== undefined && hash !== '');
}

/** A list that is not there reads as no list: the facts are then without content, not wrong. */
export function factsOfRow(
  row: StoredFacts,
  lists: ReadonlyMap<string, readonly string[]>,
  parse: (json: string) => Message,
): SpanFacts {
  const { system, input, ...rest } = JSON.parse(row.facts) as FactsColumn;
  const messagesOf = (hash: string | undefined): readonly Message[] | undefined =>
    hash === '' ? [] : lists.get(hash ?? '')?.map(parse);
  const systemMessages = messagesOf(system);
  const inputMessages = messagesOf(input);
  return {
    traceId: row.traceId,
    spanId: row.spanId,
    recordId: row.recordId,
    startedAt: row.startedAt,
    ...rest,
    ...(systemMessages !== undefined && { system: systemMessages }),
    ...(inputMessages !== undefined && { input: inputMessages }),
  };
}

/** The same from a line of the spool, whose lists are mostly in memory or in the spool itself. */
export function rowOfLine(line: string): StoredFacts {
  const row = JSON.parse(line) as {
    trace_id: string;
    span_id: string;
    record_id: string;
    started_at: Timestamp;
    facts: FactsColumn;
  };
  return {
    traceId: row.trace_id,
    spanId: row.span_id,
    recordId: row.record_id,
    startedAt: row.started_at,
    facts: JSON.stringify(row.facts),
  };
}
