/** Two replicas on one ClickHouse server and one Redis: each look happens once, one alert goes out, and either can be asked. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { chatAttributes, hexId, tracesBody } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { startRedis } from '../support/redis.ts';

const TEXT = 'Translate what follows into English.\n';

let directory: string;
let clickhouse: Awaited<ReturnType<typeof startClickHouseHttp>>;
let redis: Awaited<ReturnType<typeof startRedis>>;
let receiver: Server;
const alerts: { transition: string; incident: { prompt: string } }[] = [];
const replicas: Daemon[] = [];
let environment: Record<string, string>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-server-'));
  [clickhouse, redis] = await Promise.all([
    startClickHouseHttp({ user: 'plumbline', password: 'a-long-password', directory: join(directory, 'clickhouse') }),
    startRedis(),
  ]);
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      alerts.push(JSON.parse(body));
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  mkdirSync(join(directory, 'prompts'));
  writeFileSync(join(directory, 'live.txt'), TEXT);
  writeFileSync(
    join(directory, 'prompts/translate.yaml'),
    `id: text.translate\nversion: 1\nowner: words\nmodel: m\ntags: [t]\nformat: plain\ntemplate: |\n  ${TEXT}`,
  );
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `registry: [{ files: ./prompts }]
lock: ./prompts.lock.yaml
store: { url: "env:TEST_CLICKHOUSE_URL", user: plumbline, password: "env:TEST_CLICKHOUSE_PASSWORD" }
queue: { redis: "env:TEST_REDIS_URL" }
sources:
  - { name: app, type: files, environment: production, every: 1s, targets: [{ prompt: text.translate, path: ./live.txt }] }
channels:
  - { name: hook, type: webhook, url: "http://127.0.0.1:${(receiver.address() as AddressInfo).port}/", secret: "a-shared-secret-0123" }
`,
  );
  environment = {
    TEST_CLICKHOUSE_URL: clickhouse.url,
    TEST_CLICKHOUSE_PASSWORD: 'a-long-password',
    TEST_REDIS_URL: redis.url,
  };
  await runPlumbline(directory, ['lock'], environment);
  replicas.push(
    ...(await Promise.all(
      ['one', 'two'].map((name) => startDaemon(directory, ['--data', join(directory, name)], environment)),
    )),
  );
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  receiver.close();
  await clickhouse.stop();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function verdict(replica: Daemon): Promise<string | undefined> {
  const { data } = await replica.get('/api/v1/targets');
  return data[0]?.verdicts[0]?.verdict;
}

test('an edit is told exactly once, and so is its end', async () => {
  for (const replica of replicas) await eventually(async () => (await verdict(replica)) === 'in_sync');
  writeFileSync(join(directory, 'live.txt'), TEXT.replace('English', 'German'));
  for (const replica of replicas) await eventually(async () => (await verdict(replica)) === 'edited');
  await eventually(async () => alerts.length > 0);
  writeFileSync(join(directory, 'live.txt'), TEXT);
  for (const replica of replicas) await eventually(async () => (await verdict(replica)) === 'in_sync');
  await eventually(async () => alerts.length > 1);
  // Several more looks by both: time for one too many.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(alerts.map(({ transition, incident }) => `${transition} ${incident.prompt}`)).toEqual([
    'opened text.translate',
    'resolved text.translate',
  ]);
});

test('both replicas answer from the same history', async () => {
  const [first, second] = await Promise.all(replicas.map((replica) => replica.get('/api/v1/incidents')));
  expect(first.data).toHaveLength(1);
  expect(second).toEqual(first);
  expect(first.data[0]).toMatchObject({ status: 'resolved', verdict: 'edited', prompt: 'text.translate' });
});

test('each replica writes an audit chain of its own, and either verifies both', async () => {
  const { data: heads } = await (replicas[0] as Daemon).get('/api/v1/audit/heads');
  expect(new Set(heads.map(({ writer }: any) => writer)).size).toBe(2);
  for (const { api } of replicas) {
    const begin = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const { id } = (await (await fetch(new URL('/api/v1/audit/verifications', api), begin)).json()) as { id: string };
    const { verification } = await eventually(async () => {
      const state: any = await (await fetch(new URL(`/api/v1/audit/verifications/${id}`, api))).json();
      return state.status !== 'running' && state;
    });
    expect(verification).toMatchObject({ findings: [], segments: 2 });
    expect(verification.rows.incident).toBeGreaterThanOrEqual(2);
  }
});

test('feedback finds its call that came to the other replica, before and after it', async () => {
  const [one, two] = replicas as [Daemon, Daemon];
  const post = async (address: string, body: string | Uint8Array<ArrayBuffer>): Promise<number> =>
    (await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
  const ids = ['before', 'after'].map((name) => ({ traceId: hexId(16), responseId: `${name}-${hexId(8)}` }));
  const judge = (responseId: string): Promise<number> =>
    post(`${two.api}/api/v1/feedback`, JSON.stringify({ response_id: responseId, name: 'helpful', score: 1 }));
  const [before, after] = ids as [(typeof ids)[0], (typeof ids)[0]];
  expect(await judge(before.responseId)).toBe(202);
  const spans = ids.map(({ traceId, responseId }) => {
    const said = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], 'Hi.');
    return { traceId, attributes: { ...said, 'gen_ai.response.id': responseId } };
  });
  expect(await post(`${one.otlp}/v1/traces`, new Uint8Array(tracesBody(spans)))).toBe(200);
  const callOf = async ({ traceId }: { traceId: string }): Promise<any> =>
    (await two.get(`/api/v1/invocations?trace_id=${traceId}`)).data[0];
  await eventually(async () => (await callOf(after)) !== undefined);
  expect(await judge(after.responseId)).toBe(202);
  for (const call of [before, after])
    await eventually(async () => (await callOf(call))?.evaluations[0]?.name === 'helpful');
});

test('a spool has one owner, also when the store is a server', async () => {
  const third = await runPlumbline(
    directory,
    ['start', '--port', '0', '--otlp-port', '0', '--grpc-port', '0', '--data', join(directory, 'one')],
    environment,
  );
  expect(third.code).toBe(2);
  expect(third.stderr).toContain(`process ${replicas[0]?.process.pid}`);
});

test('no secret is printed', () => {
  for (const replica of replicas) expect(replica.printed()).not.toMatch(/a-long-password|a-shared-secret/);
});
