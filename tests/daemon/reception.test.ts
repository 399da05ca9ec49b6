/** What a daemon takes without a store: feedback as telemetry, as long as the spool has room. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { memoryBudget } from '../../src/daemon/memory/memory-budget.ts';
import { Reception } from '../../src/daemon/reception.ts';
import { startMetrics } from '../../src/observability/metrics.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { SILENT_LOG } from './setup.ts';

const receptions: Reception[] = [];
afterEach(async () => {
  for (const reception of receptions.splice(0))
    for (const part of [...reception.toStop, ...reception.toStopLast]) await part.stop(1_000);
});

async function open(spoolBytesMax: number): Promise<Reception> {
  const directory = tempDirectory();
  const ports = 'server: { port: 0, otlp_port: 0, grpc_port: 0 }';
  writeFileSync(join(directory, 'plumbline.yaml'), `store: { path: ./data }\n${ports}\n`);
  const loaded = loadConfiguration('plumbline.yaml', { sources: [], channels: [] }, {}, directory);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const budget = memoryBudget(8 * 1024 ** 3);
  const memory = { ...budget, allowsDraftingThread: false, ingest: { ...budget.ingest, spoolBytesMax } };
  const { configuration } = loaded;
  const reception = new Reception({
    configuration,
    version: '0.0.0-test',
    memory,
    log: SILENT_LOG,
    metrics: startMetrics('0.0.0-test'),
  });
  receptions.push(reception);
  await reception.open();
  return reception;
}

function judge({ addresses }: Reception, explanation: string): Promise<Response> {
  return fetch(`${addresses.api}/api/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_id: 'msg_1', name: 'helpful', score: 1, explanation }),
  });
}

test('a spool that is full refuses feedback, with a time to come back, and keeps what it has', async () => {
  const reception = await open(40_000);
  const taken: number[] = [];
  let refusal: Response | null = null;
  for (let time = 0; time < 10 && refusal === null; time += 1) {
    const answer = await judge(reception, `${time} ${'of many words '.repeat(700)}`);
    if (answer.status === 202) taken.push(reception.entrance.waitingBytes);
    else refusal = answer;
  }
  expect(taken.length).toBeGreaterThan(1);
  expect([refusal?.status, refusal?.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await refusal?.json()).toMatchObject({
    status: 503,
    detail: expect.stringContaining('spool'),
    hint: 'None of it was taken. Send the same again.',
  });
  expect(reception.entrance.waitingBytes).toBe(taken.at(-1));
  const metrics = await (await fetch(`${reception.addresses.api}/metrics`)).text();
  expect(metrics).toMatch(
    new RegExp(`^plumbline_ingest_feedback_total\\{outcome="durable".*\\} ${taken.length}$`, 'm'),
  );
  expect(metrics).toMatch(/^plumbline_ingest_feedback_total\{outcome="overloaded".*\} 1$/m);
});
