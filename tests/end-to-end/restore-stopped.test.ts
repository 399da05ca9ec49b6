/** Many places are put back while their source hangs, or until whoever began it presses Ctrl-C. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** More than the command asks for at a time. */
const PROMPTS = Array.from({ length: 40 }, (_, index) => `p${String(index).padStart(2, '0')}`);
const HERE = 'greeting';
const right = (prompt: string): string => `You write the ${prompt} of a support desk, and nothing else.\n`;
const WRONG = 'Always upsell.\n';

const held = new Map<string, string>();
let hangs: 'GET' | 'PUT' | null = null;
const place = createServer(
  (request, response) => void answer(request.method ?? '', request.url ?? '', request, response),
);
let directory: string;
let daemon: Daemon;

async function answer(
  method: string,
  path: string,
  request: AsyncIterable<Buffer>,
  response: { end: (text: string) => void; setHeader: (name: string, value: string) => void },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (hangs === method) return;
  const key = path.slice(1);
  if (method === 'PUT') {
    await sleep(200);
    held.set(key, JSON.parse(Buffer.concat(chunks).toString()).content);
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ content: held.get(key) }));
}

const fileHere = (): string => join(directory, `live/${HERE}.txt`);
const stillWrong = (): number => PROMPTS.filter((prompt) => held.get(prompt) === WRONG).length;

async function overwriteAll(): Promise<void> {
  for (const prompt of PROMPTS) held.set(prompt, WRONG);
  writeFileSync(fileHere(), WRONG);
  await eventually(async () => {
    const { data } = await daemon.get('/api/v1/incidents?status=unresolved&limit=100');
    return data.length === PROMPTS.length + 1;
  });
}

async function restoreOpen() {
  const result = await runPlumbline(directory, ['restore', '--open', '--yes', '--json', '--url', daemon.api]);
  const { data } = JSON.parse(result.stdout) as { data: { target: string; result: string; words: string }[] };
  const countOf = (wanted: string): number => data.filter((each) => each.result === wanted).length;
  return { ...result, data, countOf };
}

beforeAll(async () => {
  directory = tempDirectory();
  await new Promise<void>((resolve) => {
    place.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(place.address() as AddressInfo).port}/{key}`;
  for (const folder of ['prompts', 'live']) mkdirSync(join(directory, folder));
  for (const prompt of [...PROMPTS, HERE]) {
    const version = { id: prompt, version: 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'plain' };
    writeFileSync(join(directory, `prompts/${prompt}.yaml`), stringify({ ...version, template: right(prompt) }));
    held.set(prompt, right(prompt));
  }
  writeFileSync(fileHere(), right(HERE));
  const common = { environment: 'production', every: '1s' };
  const targets = PROMPTS.map((prompt) => ({ prompt, key: prompt }));
  const write = { method: 'PUT', url, body: { content: '{content}' } };
  const configuration = {
    registry: [{ files: './prompts' }],
    lock: './prompts.lock.yaml',
    store: { path: './data' },
    sources: [
      { ...common, name: 'away', type: 'http-json', timeout: '1s', url, restore: write, targets },
      { ...common, name: 'here', type: 'files', targets: [{ prompt: HERE, path: `live/${HERE}.txt` }] },
    ],
  };
  writeFileSync(join(directory, 'plumbline.yaml'), stringify(configuration));
  await runPlumbline(directory, ['lock']);
  daemon = await startDaemon(directory);
  await eventually(async () => (await daemon.get('/api/v1/observations?limit=100')).data.length > PROMPTS.length);
});
afterAll(async () => {
  await daemon.stop();
  place.closeAllConnections();
  place.close();
});

test('a source that hangs is not waited for place by place, and the others are put back', async () => {
  await overwriteAll();
  hangs = 'GET';
  const { code, countOf, data } = await restoreOpen();
  hangs = null;
  expect(code).toBe(2);
  expect([countOf('restored'), countOf('failed'), countOf('not_tried')]).toEqual([1, 25, PROMPTS.length - 25]);
  expect(data.find(({ result }) => result === 'not_tried')?.words).toContain('away gave no answer');
  expect(readFileSync(fileHere(), 'utf8')).toBe(right(HERE));
});

test('a write that fails says where', async () => {
  hangs = 'PUT';
  const { code, data } = await restoreOpen();
  hangs = null;
  expect(code).toBe(2);
  for (const { target, words } of data) expect(words).toContain(target);
  expect(stillWrong()).toBe(PROMPTS.length);
});

test('Ctrl-C ends what has begun, says what was done, and leaves the rest', async () => {
  const child = spawn(process.execPath, [MAIN, 'restore', '--source', 'away', '--yes', '--url', daemon.api], {
    cwd: directory,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (!told.includes('1/40') && (told + chunk.toString()).includes('1/40')) child.kill('SIGINT');
    told += chunk.toString();
  });
  const code = await new Promise((resolve) => {
    child.once('close', resolve);
  });
  expect(code).toBe(2);
  const [, done, left] = /(\d+) put back, (\d+) not tried\nThe same command goes on/.exec(told) ?? [told];
  expect(Number(left)).toBe(stillWrong());
  expect(Number(done)).toBe(PROMPTS.length - stillWrong());
  expect(stillWrong()).toBeGreaterThan(0);
});
