/** How the daemon and the verbs end: when they are told to, and when nobody takes what they print. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { READY, runPlumbline, startDaemon } from '../support/daemon.ts';
import { SlackStandIn } from '../support/slack.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function configured(): string {
  const directory = tempDirectory('leaving');
  writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
  return directory;
}

test('a daemon whose output nobody reads any more goes on, and stops as it should', async () => {
  const daemon = await startDaemon(configured());
  daemon.process.stdout?.destroy();
  daemon.process.stderr?.destroy();
  expect(await daemon.get('/readyz')).toMatchObject({ status: 'ready' });
  expect(await daemon.stop()).toBe(0);
});

test('one that finds a port taken has looked at nothing, and told nobody', async () => {
  const directory = tempDirectory('leaving');
  const other = await startDaemon(configured());
  const slack = await SlackStandIn.start();
  onTestFinished(async () => void (await Promise.all([other.stop(), slack.stop()])));
  writeFileSync(join(directory, 'live.txt'), 'nobody registered this');
  const sources = '[{ name: app, type: files, environment: production, targets: [{ prompt: a, path: ./live.txt }] }]';
  const channels = `[{ name: terminal, type: console }, { name: oncall, type: slack, webhook_url: "${slack.url}" }]`;
  writeFileSync(join(directory, 'plumbline.yaml'), `sources: ${sources}\nchannels: ${channels}\n`);
  for (const [flag, address] of [
    ['--port', other.api],
    ['--grpc-port', `http://${other.grpc}`],
  ] as const) {
    const ports = ['--port', '0', '--otlp-port', '0', '--grpc-port', '0', flag, new URL(address).port];
    const { code, stdout, stderr } = await runPlumbline(directory, ['start', ...ports]);
    expect([code, stdout, slack.requests]).toEqual([2, '', 0]);
    expect(stderr).toContain('already in use');
    expect(
      (await runPlumbline(directory, ['sql', 'SELECT count() FROM observations', '--format', 'tsv'])).stdout,
    ).toMatch(/^0$/m);
  }
});

test('a terminal that is closed is a request to stop', async () => {
  const directory = configured();
  const daemon = await startDaemon(directory);
  const ended = once(daemon.process, 'exit');
  daemon.process.kill('SIGHUP');
  expect(await ended).toEqual([0, null]);
  expect(existsSync(join(directory, 'data', 'owner.json'))).toBe(false);
});

test('the second request ends it at once, and not in the engine', async () => {
  const daemon = await startDaemon(configured());
  const ended = once(daemon.process, 'exit');
  daemon.process.kill('SIGINT');
  await daemon.waitFor(/once more to stop at once/);
  daemon.process.kill('SIGINT');
  // It may have been quick enough.
  expect([
    [null, 'SIGINT'],
    [0, null],
  ]).toContainEqual(await ended);
});

test('a report that nobody reads any more is not read to its end', async () => {
  // As long as it takes: a daemon's own would have to be of many megabytes.
  const lines = Array.from({ length: 200 }, (_, sequence) => ({ sequence, content: 'x'.repeat(500) }));
  const endless = createServer(({ url = '' }, response) => {
    if (url.startsWith('/healthz')) response.end('{"status":"ok"}');
    else if (url.startsWith('/api/v1/audit/heads')) response.end('{"data":[]}');
    else response.end(JSON.stringify({ data: lines, next_cursor: 'more' }));
  }).listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  const verb = spawn(process.execPath, [MAIN, 'audit', 'export', '--url', url], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  verb.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  await once(verb.stdout, 'data');
  verb.stdout.destroy();
  expect(await once(verb, 'close')).toEqual([0, null]);
  expect(Buffer.concat(said).toString()).toBe('');
  endless.closeAllConnections();
  endless.close();
});

test.skipIf(!existsSync('/dev/full'))('an answer that could not be written is none', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(told).toMatch(/^Standard output can't be written: ENOSPC.*\n$/);
});

/** Makes a program the first process of a container, in which a signal that nobody listens to does nothing. */
const AS_FIRST = ['--user', '--map-root-user', '--pid', '--mount-proc', '--fork', '--kill-child'];
const canBeFirst = spawnSync('unshare', [...AS_FIRST, 'true']).status === 0;

describe.skipIf(!canBeFirst)('as the first process of a container (needs unshare, and a kernel that lets it)', () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  function start() {
    const daemon = ['start', '--port', '0', '--otlp-port', '0', '--grpc-port', '0'];
    const outside = spawn('unshare', [...AS_FIRST, process.execPath, MAIN, ...daemon], {
      cwd: configured(),
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(outside);
    let printed = '';
    const take = (chunk: Buffer): void => void (printed += chunk.toString());
    outside.stdout.on('data', take);
    outside.stderr.on('data', take);
    const ended = once(outside, 'exit');
    const signal = (name: NodeJS.Signals): void => {
      const [pid] = readFileSync(`/proc/${outside.pid}/task/${outside.pid}/children`, 'utf8').split(' ');
      if (pid !== undefined && pid !== '') process.kill(Number(pid), name);
    };
    return { ended, signal, printed: () => printed };
  }

  test('it can be stopped while it starts', async () => {
    const { ended, signal, printed } = start();
    const asking = setInterval(() => signal('SIGTERM'), 20);
    try {
      expect(await ended).toEqual([143, null]);
    } finally {
      clearInterval(asking);
    }
    expect(printed()).not.toMatch(READY);
  });

  test('the second request ends it at once', async () => {
    const { ended, signal, printed } = start();
    await expect.poll(printed, { timeout: 60_000 }).toMatch(READY);
    const [, , otlp = ''] = READY.exec(printed()) ?? [];
    // A body that does not end is waited for.
    const sender = request(new URL('/v1/traces', otlp), { method: 'POST', headers: { 'content-length': '1000' } });
    sender.on('error', () => {}).write('{');
    await once(sender, 'socket').then(([socket]) => once(socket, 'connect'));
    signal('SIGINT');
    await expect.poll(printed).toMatch(/once more to stop at once/);
    signal('SIGINT');
    expect(await ended).toEqual([130, null]);
  });
});
