/** A registry that is polled once an hour: a push makes Plumbline look, and read what is new in the history, at once. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WebhookRequest } from '../../src/contract/source.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { openMlflow } from '../support/sources/mlflow.ts';
import { EDITED } from '../support/sources/stand-in.ts';

let directory: string;
let mlflow: Awaited<ReturnType<typeof openMlflow>>;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-pushed-'));
  mlflow = await openMlflow();
  const [token = '', webhookSecret = ''] = mlflow.secrets;
  const configuration = `
registry:
  - source: prod-mlflow
store: { path: ./data }
sources:
  - name: prod-mlflow
    type: mlflow
    environment: production
    every: 1h
    base_url: ${mlflow.origin}
    token: env:TEST_TOKEN
    webhook_secret: env:TEST_WEBHOOK_SECRET
    targets:
      - { prompt: intent }
      - { prompt: reply }
channels:
  - { name: terminal, type: console }
`;
  writeFileSync(join(directory, 'plumbline.yaml'), configuration);
  daemon = await startDaemon(directory, [], { TEST_TOKEN: token, TEST_WEBHOOK_SECRET: webhookSecret });
});

afterAll(async () => {
  await daemon.stop();
  await mlflow.close();
  rmSync(directory, { recursive: true, force: true });
});

async function verdictOf(prompt: string): Promise<any> {
  const { data } = await daemon.get('/api/v1/targets');
  return data.find((candidate: { id: string }) => candidate.id === `prod-mlflow/${prompt}`)?.verdicts[0];
}

async function push({ headers, body }: Pick<WebhookRequest, 'headers' | 'body'>): Promise<Response> {
  const sent = { 'content-type': 'application/json', ...(headers as Record<string, string>) };
  return fetch(new URL('/api/v1/webhooks/prod-mlflow', daemon.api), {
    method: 'POST',
    headers: sent,
    body: Buffer.from(body),
  });
}

test('the history is registered, and the alias pins', async () => {
  await eventually(async () => (await verdictOf('reply'))?.verdict === 'in_sync');
  const { data } = await daemon.get('/api/v1/prompts');
  expect(data.find((prompt: { id: string }) => prompt.id === 'reply')).toMatchObject({
    versions: 2,
    pins: [{ environment: 'production', version: '2', rule: 'label:production@prod-mlflow' }],
  });
});

test('a genuine push is followed at once, a forged or repeated one is refused', async () => {
  await mlflow.edit('reply', EDITED);
  const request = mlflow.push?.('reply', Date.now());
  if (request === undefined) throw new Error('The stand-in pushes.');
  const forged = Buffer.from(Buffer.from(request.body).toString().replace('reply', 'intent'));
  expect((await push({ ...request, body: forged })).status).toBe(403);
  expect(await verdictOf('reply')).toMatchObject({ observed: { version: '2' } });

  expect((await push(request)).ok).toBe(true);
  await eventually(async () => (await verdictOf('reply'))?.observed.version === '3');
  expect(await verdictOf('reply')).toMatchObject({ verdict: 'in_sync', expected: { version: '3' } });
  const { data } = await daemon.get('/api/v1/prompts/reply/versions');
  expect(data.map((version: any) => [version.version, version.author])).toEqual([
    ['1', 'alice'],
    ['2', 'alice'],
    ['3', 'mallory'],
  ]);
  expect((await push(request)).status).toBe(403);
});
