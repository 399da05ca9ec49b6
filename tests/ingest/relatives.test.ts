/**
 * Traces that tell of the same calls leave memory one by one. What is left of them is settled again with a third trace
 * as it was with those that are gone: nothing that these told is taken back.
 */

import { expect, it } from 'vitest';
import { compareText } from '../../src/lib/compare.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { chatAttributes, eventually, hexId, openStore, send, withIngest, type SpanDraft } from './harness.ts';

const RETAIN_MS = 30_000;
const AT = Date.parse('2026-11-20T12:00:00Z');

/** One more view of the call with this response. */
function view(traceId: string, response: string, scope: string, extra: Record<string, string> = {}): SpanDraft {
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: response }], `To ${response}`, {
    'gen_ai.response.id': response,
    ...extra,
  });
  return { traceId, scope, startMs: AT, durationMs: 900, attributes };
}

it('what a trace told that left memory stays, when what shares a call with it is settled with another', async () => {
  const { database, telemetry, invocations } = await openStore();
  const clock = new TurnableClock('2026-11-20T12:00:01.000000000Z' as Timestamp);
  const limits = { quietMs: 0, provisionalMs: 0, roundEveryMs: 0, retainMs: RETAIN_MS };
  const conversations = async (): Promise<readonly unknown[]> => {
    const { items } = await invocations.list({}, { limit: 10 });
    const told = items.map(({ invocation }) => [invocation.responseId, invocation.conversationId] as const);
    return told.toSorted(([a], [b]) => compareText(a ?? '', b ?? ''));
  };
  const told = (expected: readonly unknown[]): Promise<readonly unknown[]> =>
    eventually(conversations, (rows) => JSON.stringify(rows) === JSON.stringify(expected), 20_000);

  await withIngest(telemetry, { clock, horizon: new KnowledgeHorizon(clock), limits }, async (ingest) => {
    const [outer, inner, third] = [hexId(16), hexId(16), hexId(16)];
    await send(ingest, view(outer, 'resp_1', 'agents', { 'gen_ai.conversation.id': 'first' }));
    const one = [['resp_1', 'first']];
    expect(await told(one)).toEqual(one);
    clock.advance(20_000);
    await send(ingest, view(inner, 'resp_1', 'openai'), view(inner, 'resp_2', 'openai'));
    const two = [...one, ['resp_2', null]];
    expect(await told(two)).toEqual(two);

    // The first leaves memory, the second does not.
    clock.advance(15_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await send(ingest, view(third, 'resp_2', 'agents', { 'gen_ai.conversation.id': 'second' }));
    const all = [...one, ['resp_2', 'second']];
    expect(await told(all)).toEqual(all);
  });
  const all = [
    ['resp_1', 'first'],
    ['resp_2', 'second'],
  ];
  expect(await conversations()).toEqual(all);
  await database.close();
});
