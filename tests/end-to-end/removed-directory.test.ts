/** A data directory that somebody removes, or moves away, under the running daemon. */

import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

async function problems(daemon: Daemon): Promise<readonly string[]> {
  return (await daemon.get('/readyz')).problems;
}

async function judge({ api }: Daemon, traceId: string): Promise<number> {
  const body = JSON.stringify({ trace_id: traceId, name: 'helpful', score: 1 });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${api}/api/v1/feedback`, { method: 'POST', headers, body })).status;
}

/** Also while the engine makes a file in it. */
function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

function configured(): { readonly directory: string; readonly data: string; readonly live: string } {
  const directory = tempDirectory();
  const live = join(directory, 'live.txt');
  writeFileSync(live, 'As it was.');
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `store: { path: ./data }
sources: [{ name: app, type: files, environment: production, every: 1s, targets: [{ prompt: shop.brief, path: ./live.txt }] }]\n`,
  );
  return { directory, data: join(directory, 'data'), live };
}

async function texts(daemon: Daemon): Promise<readonly string[]> {
  const { data } = await daemon.get('/api/v1/observations?prompt=shop.brief');
  return [...new Set<string>(data.map(({ text }: any) => text))];
}

test('nothing is taken until it is back; then all goes on without a restart, and all that was taken is there', async () => {
  const { directory, data, live } = configured();
  const daemon = await startDaemon(directory);
  await eventually(async () => (await texts(daemon)).includes('As it was.'));
  expect(await judge(daemon, '1'.repeat(32))).toBe(202);
  renameSync(data, `${data}-elsewhere`);
  expect(await problems(daemon)).toContainEqual(expect.stringContaining(`${data} was removed`));
  expect(await judge(daemon, '2'.repeat(32))).toBe(503);
  expect((await fetch(`${daemon.api}/api/v1/observations`)).status).toBe(503);
  writeFileSync(live, 'As it is now.');
  await daemon.waitFor(/observations could not be recorded/);
  remove(data);
  renameSync(`${data}-elsewhere`, data);
  await eventually(async () => (await texts(daemon)).includes('As it is now.'));
  expect(await judge(daemon, '3'.repeat(32))).toBe(202);
  await eventually(async () => (await problems(daemon)).length === 0);
  expect(await daemon.stop()).toBe(0);
  const again = await startDaemon(directory);
  expect(await texts(again)).toEqual(expect.arrayContaining(['As it was.', 'As it is now.']));
  expect((await runPlumbline(directory, ['audit', 'verify', '--url', again.api])).code).toBe(0);
  expect(await again.stop()).toBe(0);
});

test('a copy at its place is not used, and nobody is told at the end that all is stored', async () => {
  const { directory, data } = configured();
  const daemon = await startDaemon(directory);
  await eventually(async () => (await texts(daemon)).length > 0);
  renameSync(data, `${data}-elsewhere`);
  cpSync(`${data}-elsewhere`, data, { recursive: true });
  expect(await judge(daemon, '1'.repeat(32))).toBe(503);
  expect(await problems(daemon)).toContainEqual(expect.stringContaining('with a copy'));
  expect(await daemon.stop()).toBe(1);
  expect(daemon.printed()).toMatch(/^Stopped\. The data directory .* was removed .* Nothing was stored since\.$/m);
  expect(daemon.printed()).not.toContain('everything accepted is stored');
  const again = await startDaemon(directory);
  expect(await texts(again)).toEqual(['As it was.']);
  expect(await again.stop()).toBe(0);
});
