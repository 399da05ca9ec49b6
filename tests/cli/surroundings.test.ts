/** Machines that are not as they should be: no git, one that speaks another language, folders that nobody may read. */

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runPlumbline, type CommandResult } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPT = 'id: a.b\nversion: 1\nowner: team\nmodel: m\ntags: [t]\nformat: plain\ntemplate: Hello.\n';
const NOBODY = 65_534;

function place(): string {
  const directory = tempDirectory();
  mkdirSync(join(directory, 'prompts', 'below'), { recursive: true });
  writeFileSync(join(directory, 'prompts', 'a.yaml'), PROMPT);
  writeFileSync(join(directory, 'plumbline.yaml'), 'registry: [{ files: ./prompts }]\nlock: ./lock.yaml\n');
  return directory;
}

/** Root may read everything: then it is somebody else who looks. */
function runAsNobody(directory: string, line: readonly string[]): Promise<CommandResult> {
  const isRoot = process.getuid?.() === 0;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), ...line], {
      cwd: directory,
      env: { ...process.env, HOME: directory, NO_COLOR: '1' },
      ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

test('without git a verb says so and ends', async () => {
  const directory = place();
  const startedMs = performance.now();
  const { code, stderr } = await runPlumbline(directory, ['validate'], { PATH: '/nonexistent' });
  expect(stderr).toContain('There is no git program on this machine');
  expect(code).toBe(0);
  // It stayed for git's two minutes.
  expect(performance.now() - startedMs).toBeLessThan(60_000);
}, 150_000);

test('a git that speaks another language is understood', async () => {
  const directory = place();
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const script = `#!/bin/sh
PATH=${process.env['PATH'] ?? ''}
if [ "$LC_ALL" = C ]; then exec git "$@"; fi
echo 'Schwerwiegend: Kein Git-Repository (oder irgendeines der Elternverzeichnisse): .git' >&2
exit 128
`;
  writeFileSync(join(bin, 'git'), script);
  chmodSync(join(bin, 'git'), 0o755);
  const { stderr } = await runPlumbline(directory, ['validate'], { PATH: bin, LANG: 'de_DE.UTF-8', LC_ALL: '' });
  expect(stderr).toContain('prompts is in no Git repository');
});

test.each([
  ['prompts', "prompts can't be read: EACCES"],
  ['prompts/below', "prompts/below can't be read: EACCES"],
])('the folder %s that this user may not read is a problem of the registry', async (folder, words) => {
  const directory = place();
  chmodSync(directory, 0o755);
  chmodSync(join(directory, folder), 0o700);
  if (process.getuid?.() !== 0) chmodSync(join(directory, folder), 0);
  const { code, stdout, stderr } = await runAsNobody(directory, ['validate']);
  chmodSync(join(directory, folder), 0o700);
  expect(stdout).toContain(words);
  expect(stderr).not.toContain('written');
  expect(code).toBe(1);
});

test('a lockfile that is a folder is not called missing', async () => {
  const directory = place();
  mkdirSync(join(directory, 'lock.yaml'));
  const { code, stdout } = await runPlumbline(directory, ['validate']);
  expect(stdout).toContain('lock.yaml is no file.');
  expect(code).toBe(1);
});

test('a key and an address that can be none are told, and not that no daemon answers', async () => {
  const directory = place();
  const wrongKey = await runPlumbline(directory, ['status'], { PLUMBLINE_KEY: 'schlüssel\nzwei' });
  expect(wrongKey.stderr).toContain('PLUMBLINE_KEY holds characters that no key can have');
  const wrongUrl = await runPlumbline(directory, ['status', '--url', 'localhost:7070']);
  expect(wrongUrl.stderr).toContain('localhost:7070 is no address of a daemon.');
  const newline = await runPlumbline(directory, ['status', '--url', 'http://127.0.0.1:9'], { PLUMBLINE_KEY: 'key\n' });
  expect(newline.stderr).toContain('No Plumbline daemon answers at http://127.0.0.1:9.');
  expect([wrongKey.code, wrongUrl.code, newline.code]).toEqual([2, 2, 2]);
});
