/** The verbs that need no daemon, run as a user runs them. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runPlumbline } from '../support/daemon.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-cli-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const run = (...line: string[]): ReturnType<typeof runPlumbline> => runPlumbline(directory, line);

function write(file: string, text: string): void {
  writeFileSync(join(directory, file), text);
}

test.each([
  ['reprice', '--from', '2026-11'],
  ['at', 'p', '--time', 'yesterday'],
  ['variables', 'p', '--to', '10:00'],
  ['usage', '--from', 'monday'],
  ['attribute', 'x.txt', '--time', 'noon'],
])('%s says that a time is none before it asks anybody', async (...line) => {
  write('x.txt', 'Hello');
  const { code, stderr } = await run(...line);
  expect(code).toBe(2);
  expect(stderr).toContain(`${line.at(-1)} is not a time.`);
});

test.each([
  [['nothing'], "unknown command 'nothing'", '`npm run -s plumbline -- --help` lists the verbs.'],
  [['at'], "missing required argument 'prompt'", '`npm run -s plumbline -- at --help` says how.'],
  [['status', '--nope'], "unknown option '--nope'", '`npm run -s plumbline -- status --help` says how.'],
])('a line that is not understood says where help is: %s', async (line, message, help) => {
  const told = await run(...line);
  expect(told).toMatchObject({ code: 2, stdout: '' });
  expect(told.stderr).toContain(message);
  expect(told.stderr).toContain(help);
  const json = await run(...line, '--json');
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toEqual({ error: { message } });
});

test('a hint names what can be typed here', async () => {
  write('plumbline.yaml', 'server: { port: 1 }\n');
  expect((await run('status')).stderr).toContain('Start it with `npm run -s plumbline -- start`');
});

test.each([
  ['', '', false],
  ['', '0', false],
  ['', '1', true],
  ['1', '1', true],
])('NO_COLOR=%s FORCE_COLOR=%s: colours for who is no terminal: %s', async (NO_COLOR, FORCE_COLOR, isColoured) => {
  const { stderr } = await runPlumbline(directory, ['at', 'p', '--time', 'noon'], { NO_COLOR, FORCE_COLOR });
  expect(stderr.includes('\u001B[')).toBe(isColoured);
});

describe('init, lock, validate, doctor', () => {
  test('lead from nothing to a valid configuration', async () => {
    const init = await run('init');
    expect(init.code).toBe(0);
    expect(init.stdout).toContain('wrote  plumbline.yaml');
    expect((await run('validate')).code).toBe(0);

    const lock = await run('lock');
    expect(lock.stdout).toContain('pinned  example.greeting 1 in production');
    expect(readFileSync(join(directory, 'prompts.lock.yaml'), 'utf8')).toContain('example.greeting: { version: 1');
    expect((await run('lock')).stdout).toContain('Nothing to change');

    const validate = await run('validate', '--json');
    expect(JSON.parse(validate.stdout)).toMatchObject({
      valid: true,
      problems: [],
      files: 2,
      prompts: 1,
      components: 0,
      versions: 1,
      pins: 1,
    });

    const doctor = await run('doctor');
    expect(doctor.stdout).toMatch(/ok\s+target app-config\/example\.greeting: read/);
    expect(doctor.stdout).toMatch(/ok\s+store /);
  });

  test('doctor names a server without what its URL says of who asks', async () => {
    write('plumbline.yaml', 'store: { url: "http://plum:a-long-password@127.0.0.1:1/plumbline" }\n');
    const { code, stdout } = await run('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/failed +store http:\/\/127\.0\.0\.1:1: The store failed to open/);
    expect(stdout).not.toContain('a-long-password');
  });

  test('init overwrites nothing by itself', async () => {
    write('plumbline.yaml', 'mine: true\n');
    const init = await run('init');
    expect(init.code).toBe(2);
    expect(init.stderr).toContain('--force');
    expect(readFileSync(join(directory, 'plumbline.yaml'), 'utf8')).toBe('mine: true\n');
    expect(existsSync(join(directory, 'prompts'))).toBe(false);
  });

  test('init elsewhere says what can be typed here, whatever the folder is called', async () => {
    const init = await run('init', "ops team's/");
    expect(init.stdout).toContain("wrote  ops team's/live/greeting.txt\n");
    expect(init.stdout).toContain("then edit ops team's/live/greeting.txt and see");
    const [, quoted = ''] = /lock --config (.*?) {2,}pin/.exec(init.stdout) ?? [];
    // As a shell takes it.
    const path = execFileSync('sh', ['-c', `printf %s ${quoted}`], { encoding: 'utf8' });
    expect((await run('lock', '--config', path)).stdout).toContain('pinned  example.greeting 1');
    const again = await run('init', "ops team's");
    expect(again.stderr).toContain("ops team's/plumbline.yaml, ops team's/prompts/example/greeting.yaml");
  });

  test('init writes all or nothing', async () => {
    write('live', 'a file in the way');
    const init = await run('init');
    expect(init.code).toBe(2);
    expect(init.stderr).toContain('live/greeting.txt');
    expect(readdirSync(directory)).toEqual(['live']);
    write('plumbline.yaml', 'mine: true\n');
    expect((await run('init', '--force')).code).toBe(2);
    expect(readFileSync(join(directory, 'plumbline.yaml'), 'utf8')).toBe('mine: true\n');
    expect(readdirSync(directory)).toEqual(['live', 'plumbline.yaml']);
  });

  test('doctor says what is wrong with each thing that is named', async () => {
    await run('init');
    rmSync(join(directory, 'live/greeting.txt'));
    write(
      'plumbline.yaml',
      `${readFileSync(join(directory, 'plumbline.yaml'), 'utf8')}\nserver: { port: 1, otlp_port: 0, grpc_port: 0 }\n`.replace(
        'store: { path: ./data }',
        'store: { path: ./plumbline.yaml }',
      ),
    );
    const doctor = await run('doctor', '--json');
    expect(doctor.code).toBe(1);
    const { healthy, checks } = JSON.parse(doctor.stdout);
    expect(healthy).toBe(false);
    const failed = checks
      .filter((check: { status: string }) => check.status === 'failed')
      .map((check: { what: string }) => check.what);
    expect(failed).toContain('target app-config/example.greeting');
    expect(failed.some((what: string) => what.startsWith('store '))).toBe(true);
  });
});

test('in a hook of Git the registry is the one of the configuration, whatever repository the hook runs for', async () => {
  const git = (...line: string[]): string => execFileSync('git', line, { cwd: directory, encoding: 'utf8' }).trim();
  await run('init');
  write('elsewhere.yaml', 'id: a.c\nversion: 1\nowner: o\nmodel: m\ntags: []\nformat: plain\ntemplate: hello\n');
  git('init', '-q');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '-q', '-m', 'all');
  // As in a linked worktree.
  const hook = { GIT_DIR: join(directory, '.git'), GIT_INDEX_FILE: join(directory, '.git/index.lock'), GIT_PREFIX: '' };
  const versions = async (environment: Record<string, string>): Promise<unknown> =>
    JSON.parse((await runPlumbline(directory, ['validate', '--json'], environment)).stdout);
  expect(await versions(hook)).toEqual(await versions({}));
});

describe('problems', () => {
  test('of the registry come all at once, each with file and line; exit code 1', async () => {
    await run('init');
    write('prompts/broken.yaml', 'id: a.b\nversion: 1\n  owner: x\n');
    write('prompts/ownerless.yaml', 'id: a.c\nversion: 1\nmodel: m\ntags: [t]\nformat: plain\ntemplate: hello\n');
    write(
      'prompts/twin.yaml',
      'id: example.greeting\nversion: 1\nowner: o\nmodel: m\ntags: [t]\nformat: plain\ntemplate: other\n',
    );
    write('prompts.lock.yaml', 'environments:\n  production:\n    a.z: { version: 9, hash: "sha256:00" }\n');
    const validate = await run('validate');
    expect(validate.code).toBe(1);
    expect(validate.stdout).toMatch(/prompts\/broken\.yaml:\d+:\d+/);
    expect(validate.stdout).toMatch(/prompts\/ownerless\.yaml(:\d+:\d+)? owner: is required/);
    expect(validate.stdout).toMatch(/example\.greeting/);
    expect(validate.stdout).toMatch(/prompts\.lock\.yaml:3:\d+/);
  });

  test('of the configuration stop the daemon before anything is touched', async () => {
    write('plumbline.yaml', 'sauces: []\n');
    const start = await run('start');
    expect(start.code).toBe(2);
    expect(start.stderr).toMatch(/plumbline\.yaml:1:1 sauces: .*sources/);
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  test.each([
    [['start', '--port', 'many'], 'is not a port'],
    [['status', '--url', 'http://127.0.0.1:9'], 'No Plumbline daemon answers'],
    [['restore'], 'Name a target'],
    [['init', '/dev/null/here'], "/dev/null/here can't be written: a part of its path is a file"],
    [['init', '/proc/here'], "/proc/here can't be written: it could not be created there"],
    [['init', `/tmp/${'x'.repeat(300)}`], 'its name is too long'],
    [['validate', '--config', 'nowhere.yaml'], "can't be read"],
  ])('%j: exit code 2, and what to do', async (line, words) => {
    const result = await runPlumbline(directory, line);
    expect(result.code).toBe(2);
    expect(result.stderr + result.stdout).toContain(words);
  });

  test('of the secrets are none of whoever asks the daemon from another shell', async () => {
    write(
      'plumbline.yaml',
      'server: { port: 9 }\nchannels: [{ name: a, type: slack, webhook_url: "env:NOT_IN_THIS_SHELL" }]\n',
    );
    for (const line of ['status', 'incidents', 'restore a/b'])
      expect((await run(...line.split(' '))).stderr).toContain('No Plumbline daemon answers at http://127.0.0.1:9.');
  });

  test('--json stays JSON when it fails', async () => {
    const result = await run('status', '--json', '--url', 'http://127.0.0.1:9');
    expect(result.code).toBe(2);
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: { message: expect.stringContaining('No Plumbline daemon'), hint: expect.any(String) },
    });
  });
});

test('help and version', async () => {
  expect((await run('--version')).stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
  const help = await run('--help');
  expect(help.code).toBe(0);
  for (const verb of [
    'start',
    'init',
    'validate',
    'lock',
    'doctor',
    'status',
    'incidents',
    'at',
    'attribute',
    'variables',
    'outputs',
    'baselines',
    'restore',
  ])
    expect(help.stdout).toContain(`\n  ${verb} `);
  expect((await run('at', '--help')).stdout).toContain('--time <rfc3339>');
});
