/** `plumbline at` before, between and after two edits, while the daemon is killed in between; and with no daemon at all. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

const TEXTS = {
  1: 'Answer politely.\n',
  2: 'Answer politely and briefly.\n',
  3: 'Answer politely, briefly and in French.\n',
} as const;

let directory: string;
let daemon: Daemon | null = null;
/** Before the live file was written, which is what its own time says. */
let before: string;

const live = (): string => join(directory, 'live.txt');
const now = (): string => new Date().toISOString();
/** File times are as coarse as the kernel's tick: a moment is told apart from an edit only with some distance. */
async function aQuietMoment(): Promise<string> {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
  await pause();
  const moment = now();
  await pause();
  return moment;
}

beforeAll(async () => {
  before = await aQuietMoment();
  directory = mkdtempSync(join(tmpdir(), 'plumbline-at-'));
  mkdirSync(join(directory, 'prompts'));
  for (const [version, text] of Object.entries(TEXTS)) {
    const parent = version === '1' ? '' : `parent: ${Number(version) - 1}\n`;
    writeFileSync(
      join(directory, `prompts/v${version}.yaml`),
      `id: support.tone\nversion: ${version}\n${parent}owner: support\nmodel: gpt-5-mini\ntags: [tone]\nformat: plain\ntemplate: |\n  ${text}`,
    );
  }
  writeFileSync(live(), TEXTS[1]);
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    'registry: [{ files: ./prompts }]\nlock: ./prompts.lock.yaml\nsources:\n  - name: app\n    type: files\n    environment: production\n    every: 1s\n    targets: [{ prompt: support.tone, path: ./live.txt }]\n',
  );
});

afterAll(async () => {
  await daemon?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function seenVersion(running: Daemon, version: string): Promise<void> {
  await eventually(async () => {
    const { data } = await running.get('/api/v1/targets');
    return data[0]?.verdicts[0]?.observed.version === version;
  });
}

async function heldAt(
  time: string,
  flags: readonly string[],
): Promise<{ held: (string | null)[]; intended: string | null; stillIntendedAt: string }> {
  const result = await runPlumbline(directory, [
    'at',
    'support.tone',
    '--environment',
    'production',
    '--time',
    time,
    '--json',
    ...flags,
  ]);
  const answer = JSON.parse(result.stdout);
  return {
    held: answer.held.map((entry: { version: string | null }) => entry.version),
    intended: answer.intended?.version ?? null,
    stillIntendedAt: answer.intended?.until[0] ?? '',
  };
}

/** Moments, and what was held then. */
let moments: readonly (readonly [time: string, versions: readonly string[]])[] = [];

test('two edits are seen across kill -9', async () => {
  expect((await runPlumbline(directory, ['lock', 'support.tone@1'])).code).toBe(0);
  daemon = await startDaemon(directory);
  await seenVersion(daemon, '1');
  const first = await aQuietMoment();

  writeFileSync(live(), TEXTS[2]);
  await seenVersion(daemon, '2');
  const second = await aQuietMoment();
  await daemon.kill();

  daemon = await startDaemon(directory);
  await seenVersion(daemon, '2');
  writeFileSync(live(), TEXTS[3]);
  await seenVersion(daemon, '3');
  const third = await aQuietMoment();
  moments = [
    [before, []],
    [first, ['1']],
    [second, ['2']],
    [third, ['3']],
  ];
});

test('the right version before, between and after them', async () => {
  expect(moments).toHaveLength(4);
  const url = ['--url', (daemon as Daemon).api];
  for (const [time, versions] of moments) expect((await heldAt(time, url)).held, time).toEqual(versions);
  // The lockfile did not change, and was read by the second daemon too.
  const [, , [second] = [''], [third] = ['']] = moments;
  const { intended, stillIntendedAt } = await heldAt(third, url);
  expect(intended).toBe('1');
  expect(stillIntendedAt > second).toBe(true);
});

test('and from the store, when no daemon runs', async () => {
  await daemon?.kill();
  daemon = null;
  expect(moments).toHaveLength(4);
  for (const [time, versions] of moments) expect((await heldAt(time, [])).held, time).toEqual(versions);
});

test('the answer is cited: interval, source and hash', async () => {
  const result = await runPlumbline(directory, ['at', 'support.tone', '--time', now()]);
  expect(result.code).toBe(0);
  expect(result.stdout).toContain('held by app/support.tone');
  expect(result.stdout).toMatch(/from\s+(between )?\d{4}-\d\d-\d\dT/);
  expect(result.stdout).toContain('sha256:');
});

test('a time that is none, and a prompt that nobody knows', async () => {
  const wrong = await runPlumbline(directory, ['at', 'support.tone', '--time', 'yesterday']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('RFC 3339');
  const unknown = await runPlumbline(directory, ['at', 'support.tune', '--time', now()]);
  expect(unknown.code).toBe(1);
  expect(unknown.stdout).toContain('no pin is known for then');
});
