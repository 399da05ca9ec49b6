/** How good a call was, told to a running daemon over its API: it is shown with the call and counted by usage, like what telemetry tells. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatAttributes, hexId } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';

interface Call {
  readonly traceId: string;
  readonly spanId: string;
  readonly responseId: string;
}

function newCall(): Call {
  return { traceId: hexId(16), spanId: hexId(8), responseId: `chatcmpl-${hexId(12)}` };
}

async function sendCall(daemon: Daemon, call: Call, service = 'shop'): Promise<void> {
  const { traceId, spanId, responseId } = call;
  const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], 'Hi.', {
    'gen_ai.response.id': responseId,
  });
  await sendSpans(daemon, [{ traceId, spanId, service, attributes }]);
}

async function judge({ api }: Daemon, body: unknown): Promise<void> {
  const response = await fetch(`${api}/api/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([response.status, await response.json()]).toEqual([202, { accepted: Array.isArray(body) ? body.length : 1 }]);
}

/** Of one call, as soon as there are so many. */
function judgements(daemon: Daemon, { traceId }: Call, count: number): Promise<readonly any[]> {
  return eventually(async () => {
    const { data } = await daemon.get(`/api/v1/invocations?trace_id=${traceId}`);
    const found = data.flatMap((call: any) => call.evaluations);
    return found.length >= count && found;
  });
}

async function usageOf(daemon: Daemon, service: string): Promise<any> {
  const { data } = await daemon.get(`/api/v1/usage?group_by=service&service=${service}`);
  return data[0];
}

function configured(content: string): string {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'plumbline.yaml'), `store: { path: ./data }\ncontent: ${content}\n`);
  return directory;
}

const SAID = { name: 'helpful', label: null, explanation: null, by: null, id: null };

test('what a version is declared to be stands beside what its calls were judged and cost', async () => {
  const directory = configured('full');
  mkdirSync(join(directory, 'prompts'));
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    'store: { path: ./data }\nregistry: [{ files: ./prompts }]\nlock: ./prompts.lock.yaml\n',
  );
  writeFileSync(
    join(directory, 'prompts/brief.yaml'),
    `id: shop.brief\nversion: 1\nowner: shop\nmodel: gpt-4o\ntags: [t]\nformat: plain
metrics: { baseline_accuracy: 0.94, cost_per_call_usd: 0.003, latency_target_ms: 400 }\ntemplate: Be brief.\n`,
  );
  const daemon = await startDaemon(directory);
  const calls = Array.from({ length: 12 }, newCall);
  for (const call of calls) await sendCall(daemon, call);
  await judge(
    daemon,
    calls.map(({ responseId }, at) => ({ response_id: responseId, name: 'accuracy', score: at === 0 ? 0 : 1 })),
  );
  const of = async (query: string): Promise<any> => (await daemon.get(`/api/v1/usage?${query}`)).data[0];
  const row = await eventually(async () => {
    const usage = await of('group_by=prompt,version');
    return usage?.evaluations.accuracy?.count === 12 && usage;
  });
  expect(row).toMatchObject({ prompt: 'shop.brief', version: '1', calls: 12, unpriced_calls: 0 });
  expect(row.baselines).toEqual({
    baseline_accuracy: { declared: 0.94, measured: 11 / 12, of: 12, margin: expect.closeTo(0.1834, 3) },
    cost_per_call_usd: { declared: 0.003, measured: Number(row.cost_usd) / 12, of: 12, margin: null },
  });
  expect((await of('group_by=version&prompt=shop.brief')).baselines).toEqual(row.baselines);
  expect((await of('group_by=day&prompt=shop.brief&version=1')).baselines).toEqual(row.baselines);
  expect(await of('group_by=prompt')).not.toHaveProperty('baselines');
  expect(await of('group_by=version')).not.toHaveProperty('baselines');
  const printed = await runPlumbline(directory, ['usage', '--url', daemon.api]);
  expect(printed.stdout).toMatch(/accuracy 0\.94 \(is 0\.917 ±0\.183\), usd a call 0\.003 \(is 0\.0/);
  expect(await daemon.stop()).toBe(0);
});

describe('a running daemon', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon(configured('full'));
  });
  afterAll(() => daemon.stop());

  test('shows it with its call, and usage counts it', async () => {
    const [first, second] = [newCall(), newCall()];
    await sendCall(daemon, first, 'counted');
    await sendCall(daemon, second, 'counted');
    await eventually(async () => (await usageOf(daemon, 'counted'))?.calls === 2);
    const { traceId: trace_id, spanId: span_id } = first;
    const explanation = 'It answered what was asked.';
    await judge(daemon, { trace_id, span_id, name: 'helpful', score: 1, label: 'yes', explanation, by: 'ann' });
    await judge(daemon, [
      { response_id: second.responseId, name: 'helpful', score: 0.5 },
      { trace_id: second.traceId, name: 'tone', label: 'friendly' },
    ]);
    expect(await judgements(daemon, first, 1)).toEqual([{ ...SAID, score: 1, label: 'yes', explanation, by: 'ann' }]);
    expect(await judgements(daemon, second, 2)).toEqual([
      { ...SAID, score: 0.5 },
      { ...SAID, name: 'tone', score: null, label: 'friendly' },
    ]);
    const counted = await eventually(async () => {
      const row = await usageOf(daemon, 'counted');
      return row.evaluations.tone?.count === 1 && row;
    });
    expect(counted.calls).toBe(2);
    expect(counted.evaluations.helpful).toMatchObject({ count: 2, scored: 2, mean_score: 0.75, labels: { yes: 1 } });
    expect(counted.evaluations.tone).toMatchObject({ count: 1, scored: 0, mean_score: null, labels: { friendly: 1 } });
  });

  test('takes it before its call has come, however it is named', async () => {
    const calls = [newCall(), newCall(), newCall()] as const;
    const [bySpan, byTrace, byResponse] = calls;
    await judge(daemon, [
      { trace_id: bySpan.traceId, span_id: bySpan.spanId, name: 'helpful', score: 1 },
      { trace_id: byTrace.traceId, name: 'helpful', score: 1 },
      { response_id: byResponse.responseId, name: 'helpful', score: 1 },
    ]);
    for (const call of calls) await sendCall(daemon, call);
    for (const call of calls) expect(await judgements(daemon, call, 1)).toEqual([{ ...SAID, score: 1 }]);
  });

  test('counts the same once, and of what one judge says of a call the last', async () => {
    const call = newCall();
    await sendCall(daemon, call, 'repeated');
    const thumb = { response_id: call.responseId, name: 'thumb', score: 1, by: 'user-7' };
    for (let time = 0; time < 3; time += 1) await judge(daemon, thumb);
    await judge(daemon, [thumb, { ...thumb, by: 'user-8' }]);
    await judge(daemon, { ...thumb, score: 0 });
    const all = await eventually(async () => {
      const found = await judgements(daemon, call, 2);
      return found.some(({ score }) => score === 0) && found;
    });
    expect(all.map(({ by, score }) => [by, score])).toEqual([
      ['user-7', 0],
      ['user-8', 1],
    ]);
    const row = await eventually(async () => {
      const usage = await usageOf(daemon, 'repeated');
      return usage.evaluations.thumb?.mean_score === 0.5 && usage;
    });
    expect(row.evaluations.thumb.count).toBe(2);
    await judge(daemon, { response_id: call.responseId, name: 'thumb', by: 'user-7', withdrawn: true });
    const left = await eventually(async () => {
      const usage = await usageOf(daemon, 'repeated');
      return usage.evaluations.thumb?.count === 1 && usage;
    });
    expect(left.evaluations.thumb.mean_score).toBe(1);
  });

  test('counts what it takes and what it refuses', async () => {
    await judge(daemon, [{ trace_id: hexId(16), name: 'helpful', score: 1 }]);
    const refused = await fetch(`${daemon.api}/api/v1/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"helpful","score":1}',
    });
    expect(refused.status).toBe(400);
    expect((await refused.json()).errors).toEqual([{ field: 'trace_id', message: expect.any(String) }]);
    await eventually(async () => {
      const text = await (await fetch(`${daemon.api}/metrics`)).text();
      expect(text).toMatch(/^plumbline_ingest_feedback_total\{.*outcome="durable".*\} [1-9]/m);
      expect(text).toMatch(
        /^plumbline_http_requests_total\{.*route="POST \/api\/v1\/feedback".*status="400".*\} [1-9]/m,
      );
      return true;
    });
  });
});

test('what was taken survives a kill right after the answer', async () => {
  const directory = configured('full');
  const known = newCall();
  const later = newCall();
  const first = await startDaemon(directory);
  await sendCall(first, known);
  await judgements(first, known, 0);
  await judge(first, [
    { response_id: known.responseId, name: 'helpful', score: 1 },
    { trace_id: later.traceId, name: 'helpful', score: 0 },
  ]);
  await first.kill();
  const second = await startDaemon(directory);
  await sendCall(second, later);
  expect(await judgements(second, known, 1)).toEqual([{ ...SAID, score: 1 }]);
  expect(await judgements(second, later, 1)).toEqual([{ ...SAID, score: 0 }]);
  expect(await second.stop()).toBe(0);
});

test('with `hash_only` nothing of its text is kept, and it counts all the same', async () => {
  const daemon = await startDaemon(configured('hash_only'));
  const call = newCall();
  await sendCall(daemon, call, 'hashed');
  const explanation = 'The user said that her name is Ann.';
  await judge(daemon, { trace_id: call.traceId, name: 'helpful', score: 1, label: 'yes', explanation, by: 'Ann' });
  const hashed = expect.stringMatching(/^\[not kept: sha256:[0-9a-f]{64}\]$/);
  expect(await judgements(daemon, call, 1)).toEqual([
    { ...SAID, score: 1, label: 'yes', explanation: hashed, by: hashed },
  ]);
  await eventually(async () => (await usageOf(daemon, 'hashed')).evaluations.helpful?.labels.yes === 1);
  expect(await daemon.stop()).toBe(0);
});
