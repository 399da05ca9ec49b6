/** What `npm pack` gives: installed from the file into an empty project, the binary works there. */

import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

let project: string;
let packed: { readonly version: string; readonly files: readonly string[] };

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'plumbline-packed-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  const report: any = JSON.parse(stdout);
  // npm 12 answers with an object by package name, its predecessors with a list.
  const [entry] = Object.values<any>(report);
  packed = { version: entry.version, files: entry.files.map((file: { path: string }) => file.path) };
  await writeFile(join(project, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', join(project, entry.filename)], {
    cwd: project,
    maxBuffer: 1 << 26,
  });
  // Compiling, and installing a database engine, a Node and some 200 packages.
}, 300_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const binary = (): string => join(project, 'node_modules/.bin/plumbline');
const plumbline = (...args: readonly string[]) => run(binary(), [...args], { cwd: project });

test('the package holds the compiled program and what it reads, and no sources, tests or data', () => {
  const needed = [
    'bin/plumbline.mjs',
    'dashboards/web/index.html',
    'dist/src/main.js',
    'examples/quickstart/plumbline.yaml',
    'LICENSE',
    'README.md',
  ];
  expect(needed.filter((file) => !packed.files.includes(file))).toEqual([]);
  const unwanted = /^(src|collectors|tests|bench|scripts|node_modules)\/|\/data\/|\.tgz$|^\.(?!npmrc$)/;
  expect(packed.files.filter((file) => unwanted.test(file))).toEqual([]);
});

test('the binary says its version and its verbs', async () => {
  expect((await plumbline('--version')).stdout.trim()).toBe(packed.version);
  const { stdout } = await plumbline('--help');
  for (const verb of ['start', 'validate', 'lock', 'at', 'doctor', 'init'])
    expect(stdout).toMatch(new RegExp(`^ +${verb}\\b`, 'm'));
  // `context.command`: people are told to type what works where they are.
  expect(stdout).not.toContain('npm run');
});

test('a project that `init` made is valid', async () => {
  await plumbline('init');
  expect(await readFile(join(project, 'plumbline.yaml'), 'utf8')).toContain('registry:');
  await plumbline('lock');
  await plumbline('validate');
  await writeFile(join(project, 'prompts/example/broken.yaml'), 'id: broken\n');
  await expect(plumbline('validate')).rejects.toMatchObject({ code: 1 });
});

test('the daemon starts with the quick start that comes with it, and stops when it is told', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'plumbline-empty-'));
  const ports = ['--port', '0', '--otlp-port', '0', '--grpc-port', '0'];
  const daemon = spawn(binary(), ['start', ...ports], { cwd: empty, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let printed = '';
    daemon.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    daemon.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await expect.poll(() => printed, { timeout: 60_000 }).toMatch(/ready: API/);
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await exit, printed).toEqual([0, null]);
  } finally {
    daemon.kill('SIGKILL');
    await rm(empty, { recursive: true, force: true });
  }
}, 120_000);

/** A Node on the path that is too old to run the program itself. */
const oldNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'node'))
  .filter((path) => existsSync(path))
  .find((path) => Number(/^v(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)?.[1]) < 24);

test.skipIf(oldNode === undefined)('an older Node is enough to start it (needs one on the path)', async () => {
  const script = join(project, 'node_modules/plumbline/bin/plumbline.mjs');
  const { stdout } = await run(oldNode ?? '', [script, '--version'], { cwd: project });
  expect(stdout.trim()).toBe(packed.version);
});
