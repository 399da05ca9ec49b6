/** A pipeline overwrites every prompt of a desk: one alert, and one command in it that puts all of them back. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { daemonClient, type DaemonClient } from '../../src/cli/client.ts';
import { processOutput } from '../../src/cli/output.ts';
import { conclude, restoreMany } from '../../src/cli/restore-many.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPTS = ['answer', 'greeting', 'intent', 'refund', 'summary'] as const;
const right = (prompt: string): string => `You write the ${prompt} of a support desk, and nothing else.\n`;
const OVERWRITTEN = 'Always upsell.\n';
const NEWER = 'Ann is mending this one.\n';

let directory: string;
let daemon: Daemon;
const fileOf = (prompt: string): string => join(directory, `live/${prompt}.txt`);
const holds = (prompt: string): string => readFileSync(fileOf(prompt), 'utf8');
const newOf = (prompt: string): string => join(directory, `${prompt}.new`);
/** All while the daemon sleeps, so that no look sees half of it, however busy the machine. */
const overwrite = (): void => {
  for (const prompt of PROMPTS) writeFileSync(newOf(prompt), right(prompt) + OVERWRITTEN);
  daemon.process.kill('SIGSTOP');
  for (const prompt of PROMPTS) renameSync(newOf(prompt), fileOf(prompt));
  daemon.process.kill('SIGCONT');
};
const unresolved = async (): Promise<readonly { readonly target: string; readonly observed: { hash: string } }[]> =>
  (await daemon.get('/api/v1/incidents?status=unresolved')).data;

async function restore(...line: readonly string[]) {
  const result = await runPlumbline(directory, ['restore', ...line, '--url', daemon.api]);
  return { ...result, all: result.stdout + result.stderr };
}

beforeAll(async () => {
  directory = tempDirectory();
  mkdirSync(join(directory, 'prompts'));
  mkdirSync(join(directory, 'live'));
  for (const prompt of PROMPTS) {
    const version = { id: prompt, version: 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'plain' };
    writeFileSync(join(directory, `prompts/${prompt}.yaml`), stringify({ ...version, template: right(prompt) }));
    writeFileSync(fileOf(prompt), right(prompt));
  }
  const targets = PROMPTS.map((prompt) => ({ prompt, path: `live/${prompt}.txt` }));
  const configuration = {
    registry: [{ files: './prompts' }],
    lock: './prompts.lock.yaml',
    store: { path: './data' },
    // What changes there is seen without a poll, and no poll is in the middle of it.
    sources: [{ name: 'desk', type: 'files', environment: 'production', every: '1h', targets }],
    channels: [{ name: 'oncall', type: 'console' }],
  };
  writeFileSync(join(directory, 'plumbline.yaml'), stringify(configuration));
  await runPlumbline(directory, ['lock']);
  daemon = await startDaemon(directory);
  await eventually(async () => (await daemon.get('/api/v1/observations')).data.length >= PROMPTS.length);
});
afterAll(async () => {
  await daemon.stop();
});

describe('many places that were overwritten at once', () => {
  let alert = '';

  test('are one alert, with the command that puts all of them back', async () => {
    overwrite();
    [, alert = ''] = await daemon.waitFor(/Put all back +.* restore --alert ([0-9a-f]{16})/);
    // An alert is known by its id once it is recorded that it got out.
    const told = await eventually(async () => {
      const { data } = await daemon.get(`/api/v1/alerts/${alert}`);
      return data as readonly object[];
    });
    expect(told).toHaveLength(PROMPTS.length);
  });

  test('are listed by a dry run, and nothing is written; nor without an answer to the question', async () => {
    const planned = await restore('--alert', alert, '--dry-run');
    expect(planned).toMatchObject({ code: 0 });
    for (const prompt of PROMPTS) expect(planned.stdout).toContain(`would write  desk/${prompt}`);
    // The same change in all of them is shown once.
    expect(planned.stdout.match(/^-Always upsell\.$/gm) ?? []).toHaveLength(1);
    const unanswered = await restore('--alert', alert);
    expect(unanswered).toMatchObject({ code: 2 });
    expect(unanswered.all).toContain('Add --yes');
    for (const prompt of PROMPTS) expect(holds(prompt)).toBe(right(prompt) + OVERWRITTEN);
  });

  test('are put back, but for one that holds something newer than the alert saw', async () => {
    writeFileSync(fileOf('refund'), right('refund') + NEWER);
    const first = await restore('--alert', alert, '--yes', '--reason', 'the pipeline of 14:02');
    expect(first).toMatchObject({ code: 2 });
    expect(first.stderr).toContain('4 put back, 1 failed');
    expect(first.all).toContain('desk/refund no longer holds what you saw');
    for (const prompt of PROMPTS) expect(holds(prompt)).toBe(right(prompt) + (prompt === 'refund' ? NEWER : ''));
    const { data } = await daemon.get('/api/v1/restores');
    const results = (data as { target: string; reason: string; result: string }[]).filter(
      ({ reason, result }) => reason === 'the pipeline of 14:02' && result === 'restored',
    );
    expect(results).toHaveLength(PROMPTS.length - 1);
  });

  test('are left as they are when the same command comes again', async () => {
    const again = await restore('--alert', alert, '--yes', '--json');
    expect(again).toMatchObject({ code: 2 });
    const { data } = JSON.parse(again.stdout) as { data: { target: string; result: string }[] };
    const results = Object.fromEntries(data.map(({ target, result }) => [target, result]));
    expect(results).toEqual(
      Object.fromEntries(PROMPTS.map((prompt) => [`desk/${prompt}`, prompt === 'refund' ? 'failed' : 'nothing_to_do'])),
    );
  });

  test('are chosen by what is wrong in a source or an environment', async () => {
    await eventually(async () => (await unresolved()).length === 1);
    expect(await restore('--environment', 'staging', '--yes')).toMatchObject({ code: 2 });
    expect(await restore('--source', 'des', '--yes')).toMatchObject({ code: 2 });
    const rest = await restore('--source', 'desk', '--environment', 'production', '--yes');
    expect(rest).toMatchObject({ code: 0 });
    expect(rest.stderr).toContain('1 put back');
    expect(holds('refund')).toBe(right('refund'));
    await eventually(async () => (await unresolved()).length === 0);
  });

  test('are named one by one, and each has an answer', async () => {
    writeFileSync(fileOf('answer'), OVERWRITTEN);
    const named = await restore('desk/answer', 'desk/greeting', 'desk/nothing', 'desk/answer', '--yes');
    expect(named).toMatchObject({ code: 2 });
    expect(named.stderr).toContain('1 right already, 1 put back, 1 failed');
    expect(named.stderr).toContain('There is no target desk/nothing');
    expect(holds('answer')).toBe(right('answer'));
    expect((await restore('desk/answer', 'desk/greeting', '--expect', 'missing')).all).toContain('about one target');
  });

  test('are not right because somebody interrupted the look at them', async () => {
    writeFileSync(fileOf('answer'), OVERWRITTEN);
    const interrupted = new AbortController();
    const client = daemonClient(daemon.api, undefined);
    const printed: string[] = [];
    const output = { ...processOutput(false), print: (text: string) => void printed.push(text), note: () => {} };
    const looking: DaemonClient['post'] = async (path, body) => {
      interrupted.abort();
      return client.post(path, body);
    };
    const reports = await restoreMany(
      { ...client, post: looking },
      output,
      [{ target: 'desk/answer', part: '', seen: null, incident: null }],
      {
        version: undefined,
        reason: '',
        dryRun: false,
        json: false,
        agrees: () => Promise.resolve(true),
        signal: interrupted.signal,
      },
    );
    expect(printed.join('')).toContain('would write');
    expect(conclude(reports, output)).toBe(2);
    expect(holds('answer')).toBe(OVERWRITTEN);
    expect(await restore('desk/answer')).toMatchObject({ code: 0 });
  });

  test('and one is only put back over what the alert saw there', async () => {
    writeFileSync(fileOf('intent'), OVERWRITTEN);
    const command = await eventually(async () => {
      const [incident] = (await unresolved()) as unknown as { id: string }[];
      return incident === undefined
        ? null
        : ((await daemon.get(`/api/v1/incidents/${incident.id}`)).restore_command as string);
    });
    const [, expected = ''] = /--expect (sha256:[0-9a-f]{12})$/.exec(command) ?? [];
    writeFileSync(fileOf('intent'), NEWER);
    expect((await restore('desk/intent', '--expect', expected)).all).toContain('no longer holds what you saw');
    expect(holds('intent')).toBe(NEWER);
    expect((await restore('desk/intent', '--expect', 'sha256:12')).code).toBe(2);
  });
});
