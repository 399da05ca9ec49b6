/** Loading where the history is missing, where little has changed, and from other folders. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/registry/load.ts';
import { git, repository, temporaryDirectory, writeTree } from './git-fixture.ts';
import { PATH, START, THREE_VERSIONS, load, prompt, summary } from './loading.ts';

describe('where the history is missing', () => {
  test('no repository', async () => {
    const directory = temporaryDirectory();
    writeTree(directory, { [PATH]: prompt(1, 'One.') });
    const loaded = await load(directory);
    expect(loaded.notes.join('\n')).toContain('prompts is in no Git repository');
    expect(summary(loaded)).toEqual(['support.a@1 One. | undefined undefined']);
  });

  test('a repository without commits', async () => {
    const directory = temporaryDirectory();
    git(directory, 'init', '-q');
    writeTree(directory, { [PATH]: prompt(1, 'One.') });
    const loaded = await load(directory);
    expect(loaded.notes.join('\n')).toContain('has no commit yet');
    expect(loaded.snapshot.versions).toHaveLength(1);
  });

  test('a shallow clone does not claim to know when its oldest versions came', async () => {
    const clone = join(temporaryDirectory(), 'clone');
    git('/', 'clone', '-q', '--depth', '2', `file://${repository(THREE_VERSIONS)}`, clone);
    const loaded = await load(clone);
    expect(summary(loaded)).toEqual(['support.a@2 Two. | undefined undefined', 'support.a@3 Three. | 2026-01-03 Ada']);
    expect(loaded.notes.join('\n')).toContain('is in a shallow clone');
    expect(loaded.problems).toEqual([]);
  });

  test('files that are not committed are registered and named', async () => {
    const directory = repository(THREE_VERSIONS);
    writeTree(directory, { [PATH]: prompt(4, 'Four.') });
    const loaded = await load(directory);
    expect(summary(loaded).at(-1)).toBe('support.a@4 Four. | undefined undefined');
    expect(loaded.notes.join('\n')).toContain(
      'Not committed yet, so without author and time: support.a 4 (prompts/a.yaml).',
    );
    expect(loaded.problems).toEqual([]);
  });

  test('a repository whose objects are damaged costs the history, not the files', async () => {
    const directory = repository(THREE_VERSIONS);
    rmSync(join(directory, '.git/objects'), { recursive: true });
    mkdirSync(join(directory, '.git/objects'));
    const loaded = await load(directory);
    expect(loaded.snapshot.versions.map(({ version }) => version)).toEqual(['3']);
    const told = /Git history of prompts could not be read|Git does not read/;
    expect(loaded.notes.join('\n')).toMatch(told);
    expect(loaded.warnings.join('\n')).toMatch(told);
  });
});

describe('loading again', () => {
  test('returns the same object until something changes, and then only what changed is new', async () => {
    const directory = repository(THREE_VERSIONS);
    const first = await load(directory);
    expect(await load(directory, 'prompts', first)).toBe(first);
    writeTree(directory, { 'prompts/b.yaml': prompt(1, 'B.').replace('support.a', 'support.b') });
    const second = await load(directory, 'prompts', first);
    expect(second).not.toBe(first);
    expect(second.snapshot.versions).toHaveLength(4);
    git(directory, 'add', '.');
    git(directory, '-c', 'user.name=Eve', '-c', 'user.email=e@example.com', 'commit', '-qm', 'x');
    const third = await load(directory, 'prompts', second);
    expect(third.snapshot.versions.at(-1)?.author).toBe('Eve <e@example.com>');
    expect(third.snapshot).toEqual((await load(directory)).snapshot);
  });

  test('a lockfile that appears, changes and goes is seen', async () => {
    const directory = repository(THREE_VERSIONS);
    const first = await load(directory);
    writeFileSync(join(directory, 'prompts.lock.yaml'), 'environments: {}\n');
    const second = await load(directory, 'prompts', first);
    expect(second.files).toContain('prompts.lock.yaml');
    renameSync(join(directory, 'prompts.lock.yaml'), join(directory, 'elsewhere.yaml'));
    expect((await load(directory, 'prompts', second)).files).toEqual(first.files);
  });

  test.each([0, 1, 2, 3, 5, 8])('stops when it is told to, after turn %i', async (turns) => {
    const directory = repository(THREE_VERSIONS);
    const controller = new AbortController();
    const options = { roots: [{ files: 'prompts' }], lockFile: null, baseDirectory: directory };
    const loading = loadRegistry({ ...options, signal: controller.signal });
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('enough'));
    await expect(loading).rejects.toThrow('enough');
  });
});

describe('folders', () => {
  test('a missing folder is a problem; others are loaded', async () => {
    const directory = repository(THREE_VERSIONS);
    const signal = new AbortController().signal;
    const roots = [{ files: 'nowhere' }, { files: PATH }, { files: 'prompts' }];
    const loaded = await loadRegistry({ roots, lockFile: null, baseDirectory: directory, signal });
    expect(loaded.problems.map(({ file, message }) => `${file} ${message}`)).toEqual([
      'nowhere does not exist.',
      'prompts/a.yaml is no folder.',
    ]);
    expect(loaded.snapshot.versions).toHaveLength(3);
  });

  test('the top of the repository as the registry, with the lockfile inside', async () => {
    const directory = repository([
      {
        files: {
          'a.yaml': prompt(1, 'One.'),
          'prompts.lock.yaml': 'environments: {}\n',
          '.github/ci.yml': 'on: push\n',
        },
        at: START,
      },
    ]);
    const loaded = await load(directory, '.');
    expect(summary(loaded)).toEqual(['support.a@1 One. | 2026-01-01 Ada']);
    expect(loaded.problems).toEqual([]);
    expect(loaded.notes).toEqual([]);
    expect(loaded.files).toEqual(['a.yaml', 'prompts.lock.yaml']);
  });

  test('two roots share components', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'one'));
    writeTree(directory, {
      'one/c.yaml': 'id: shared.c\nversion: 1\ncomponent: true\nowner: t\ntags: []\ntemplate: Be kind.\n',
      'two/a.yaml': prompt(1, '{{component:shared.c}}', 'components: [shared.c@1]\n'),
    });
    const signal = new AbortController().signal;
    const roots = [{ files: 'one' }, { files: 'two' }];
    const loaded = await loadRegistry({ roots, lockFile: null, baseDirectory: directory, signal });
    expect(loaded.problems).toEqual([]);
    expect(summary(loaded)[1]).toContain('support.a@1 Be kind.');
  });
});
