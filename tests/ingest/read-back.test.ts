/** Traces that are read back from the store, however many and large they are: a bounded part of them at a time. */

import { expect, it } from 'vitest';
import type { FactLimits, TelemetryLog } from '../../src/contract/telemetry-log.ts';
import { chatAttributes, eventually, hexId, openStore, tracesBody, withIngest } from './harness.ts';

const LARGE = { traces: 320, spans: 100 };
// Of a message in very many parts, none of which is long enough to be kept apart.
const LONG_PARTS = Array.from({ length: 600 }, (_, index) => ({ type: 'text', content: `${index} `.repeat(20) }));
const LONG_OUTPUT = JSON.stringify([{ role: 'assistant', parts: LONG_PARTS, finish_reason: 'stop' }]);

function traceOf(spans: number, extra: Record<string, string> = {}): { readonly id: string; readonly body: Buffer } {
  const id = hexId(16);
  const drafts = Array.from({ length: spans }, (_, index) => ({
    traceId: id,
    startMs: Date.now() - 10_000 + index,
    durationMs: 1,
    attributes: { ...chatAttributes('Answer.', [{ role: 'user', text: `${id} ${index}` }], 'hi', extra) },
  }));
  return { id, body: tracesBody(drafts) };
}

it('many large traces that are settled again', async () => {
  const { database, telemetry } = await openStore();
  const large = Array.from({ length: LARGE.traces }, () => traceOf(LARGE.spans));
  const long = Array.from({ length: 3 }, () => traceOf(1, { 'gen_ai.output.messages': LONG_OUTPUT }));
  const oversized = traceOf(300);
  const all = [...large, ...long, oversized];
  const calls = LARGE.traces * LARGE.spans + 3 + 300;
  const counted = async (): Promise<readonly [string, number][]> => {
    const rows = await database.query<{ prompt: string; calls: string }>(
      'SELECT prompt, count() AS calls FROM invocations FINAL WHERE is_deleted = 0 GROUP BY prompt ORDER BY prompt',
    );
    return rows.map((row) => [row.prompt, Number(row.calls)]);
  };
  await withIngest(telemetry, {}, async (ingest) => {
    for (const { body } of all) {
      await ingest.accept({ signal: 'traces', encoding: 'json', body });
    }
    await eventually(counted, ([first]) => first?.[1] === calls);
  });

  const answers: { readonly limits: FactLimits; readonly facts: number | null }[] = [];
  let readSinceWrite = 0;
  let mostRead = 0;
  const watched: TelemetryLog = {
    ...telemetry,
    factsOfTraces: async (ids, limits) => {
      const facts = await telemetry.factsOfTraces(ids, limits);
      answers.push({ limits, facts: facts?.length ?? null });
      readSinceWrite += facts?.length ?? 0;
      mostRead = Math.max(mostRead, readSinceWrite);
      return facts;
    },
    insertLines: async (lane, lines) => {
      await telemetry.insertLines(lane, lines);
      if (lane === 'invocations') readSinceWrite = 0;
    },
  };
  const known = { kind: 'exact', prompt: 'known', version: '1', owner: null } as const;
  const limits = { traceFactsMax: 200 };
  await withIngest(watched, { attribute: () => known, limits }, async (ingest) => {
    ingest.resettle(all.map(({ id }) => id));
    const settled = [
      ['', 300],
      ['known', calls - 300],
    ];
    // What is too large to be read stays as it was.
    expect(await eventually(counted, (rows) => rows.length === 2 && rows[0]?.[1] === 300)).toEqual(settled);
  });
  expect(answers.some(({ facts }) => facts === null)).toBe(true);
  for (const { limits: asked, facts } of answers) expect(facts ?? 0).toBeLessThanOrEqual(asked.factsMax);
  // Of the round that is being written, and of the next.
  expect(mostRead).toBeLessThan(2 * 15_000);
  expect(mostRead).toBeGreaterThan(5_000);
  const [longest] = await database.query<{ bytes: string }>('SELECT max(length(facts)) AS bytes FROM span_facts');
  expect(Number(longest?.bytes)).toBeGreaterThan(32 * 1024);
  await database.close();
});
