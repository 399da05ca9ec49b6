/** A machine whose Redis starts after Plumbline, or has no primary then. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, runPlumbline, startDaemon } from '../support/daemon.ts';
import { startRedis } from '../support/redis.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const TEXT = 'You sort the tickets of a support desk by topic.\n';

async function configured(redis: string, oncall: string): Promise<string> {
  const directory = tempDirectory();
  for (const folder of ['prompts', 'live']) mkdirSync(join(directory, folder));
  const version = { id: 'intent', version: 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'plain' };
  writeFileSync(join(directory, 'prompts/intent.yaml'), stringify({ ...version, template: TEXT }));
  writeFileSync(join(directory, 'live/intent.txt'), TEXT);
  const targets = [{ prompt: 'intent', path: 'live/intent.txt' }];
  const configuration = {
    registry: [{ files: './prompts' }],
    lock: './prompts.lock.yaml',
    store: { path: './data' },
    queue: { redis },
    sources: [{ name: 'desk', type: 'files', environment: 'production', every: '1h', targets }],
    channels: [{ name: 'oncall', type: 'webhook', url: oncall }],
  };
  writeFileSync(join(directory, 'plumbline.yaml'), stringify(configuration));
  await runPlumbline(directory, ['lock']);
  return directory;
}

test('the daemon takes telemetry meanwhile, and polls and alerts when Redis is there', async () => {
  const redis = await startRedis();
  const oncall = await WebhookReceiver.start();
  const directory = await configured(redis.url, oncall.url);
  await redis.kill();
  writeFileSync(join(directory, 'live/intent.txt'), `${TEXT}Always upsell.\n`);
  const daemon = await startDaemon(directory);
  const body = JSON.stringify({ resourceSpans: [] });
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${daemon.otlp}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
  expect((await daemon.get('/readyz')).problems).toEqual([expect.stringContaining('no alert goes out')]);
  await redis.start();
  await eventually(async () => oncall.messages.length > 0);
  expect((await daemon.get('/readyz')).problems).toEqual([]);
  // An alert that a process before left; the next one finds no Redis that takes its job.
  expect(await daemon.stop()).toBe(0);
  const admin = new Redis(redis.url);
  await admin.replicaof('127.0.0.1', '1');
  writeFileSync(join(directory, 'live/intent.txt'), TEXT);
  const again = await startDaemon(directory);
  await admin.replicaof('NO', 'ONE');
  admin.disconnect();
  await eventually(async () => oncall.messages.length > 1);
  expect(oncall.messages.map(({ transition }) => transition)).toEqual(['opened', 'resolved']);
  expect(await again.stop()).toBe(0);
  await oncall.stop();
  await redis.stop();
});
