/** A repository is looked at every few seconds: git runs only when its answer may have changed, and always then. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { GitPlaces, type GitPlaceAnswer } from '../../src/registry/git-places.ts';
import { git, repository, temporaryDirectory } from './git-fixture.ts';
import { START, THREE_VERSIONS } from './loading.ts';

const signal = new AbortController().signal;
const pathBefore = process.env.PATH ?? '';
afterAll(() => {
  process.env.PATH = pathBefore;
});

/** From now on, how often git ran in this process: the real one, behind a script that counts. */
function countGit(): () => number {
  const real = pathBefore
    .split(delimiter)
    .map((folder) => join(folder, 'git'))
    .find(existsSync);
  const directory = temporaryDirectory();
  const [counted, script] = [join(directory, 'runs'), join(directory, 'git')];
  writeFileSync(counted, '');
  writeFileSync(script, `#!/bin/sh\necho run >> '${counted}'\nexec '${real}' "$@"\n`);
  chmodSync(script, 0o755);
  process.env.PATH = `${directory}${delimiter}${pathBefore}`;
  return () => readFileSync(counted, 'utf8').length / 'run\n'.length;
}

/** Finds until git is not asked any more, and then tells how often it was asked since. */
async function settled(places: GitPlaces, directory: string): Promise<() => number> {
  for (let look = 0; look < 3; look += 1) await places.find(directory, signal);
  return countGit();
}

function headOf(answer: GitPlaceAnswer): string {
  return answer.kind === 'found' ? answer.place.head : answer.kind;
}

function publishedOf(answer: GitPlaceAnswer): string | null {
  return answer.kind === 'found' ? answer.place.published : answer.kind;
}

let commits = 0;

/** Each says something else: two of one second would be the same. */
function commit(directory: string): string {
  commits += 1;
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  git(directory, ...who, 'commit', '-q', '--allow-empty', '-m', `commit ${commits}`);
  return git(directory, 'rev-parse', 'HEAD');
}

/** Of the same place by somebody who has never looked at it. */
async function fresh(directory: string): Promise<GitPlaceAnswer> {
  return await new GitPlaces().find(directory, signal);
}

describe('git is not asked while nothing has changed', () => {
  test.each([
    ['in a repository', () => join(repository(THREE_VERSIONS), 'prompts')],
    ['in no repository', () => temporaryDirectory()],
    [
      'before the first commit',
      () => {
        const directory = temporaryDirectory();
        git(directory, 'init', '-q');
        return directory;
      },
    ],
  ])('%s', async (_, make) => {
    const places = new GitPlaces();
    const directory = make();
    const runs = await settled(places, directory);
    const before = await places.find(directory, signal);
    for (let look = 0; look < 5; look += 1) expect(await places.find(directory, signal)).toEqual(before);
    expect(runs()).toBe(0);
    expect(await fresh(directory)).toEqual(before);
    expect(runs()).toBeGreaterThan(0);
  });
});

describe('what changes is seen at once', () => {
  test('a commit, a branch that is checked out, a reset, branches that are packed', async () => {
    const directory = repository(THREE_VERSIONS);
    const folder = join(directory, 'prompts');
    const places = new GitPlaces();
    const first = headOf(await fresh(folder));
    await settled(places, folder);
    const second = commit(directory);
    expect(headOf(await places.find(folder, signal))).toBe(second);
    git(directory, 'checkout', '-q', '-b', 'other');
    const third = commit(directory);
    expect(headOf(await places.find(folder, signal))).toBe(third);
    expect(publishedOf(await places.find(folder, signal))).toBe(second);
    git(directory, 'pack-refs', '--all');
    expect(headOf(await places.find(folder, signal))).toBe(third);
    git(directory, 'checkout', '-q', 'main');
    expect(headOf(await places.find(folder, signal))).toBe(second);
    git(directory, 'reset', '-q', '--hard', first);
    expect(headOf(await places.find(folder, signal))).toBe(first);
    git(directory, 'checkout', '-q', '--detach', third);
    expect(headOf(await places.find(folder, signal))).toBe(third);
  });

  test('the first commit', async () => {
    const directory = temporaryDirectory();
    git(directory, 'init', '-q');
    const places = new GitPlaces();
    await settled(places, directory);
    const first = commit(directory);
    expect(headOf(await places.find(directory, signal))).toBe(first);
  });

  test('what is fetched from a place whose default branch has a name of its own', async () => {
    const origin = repository([...THREE_VERSIONS, { files: { 'a.txt': 'x' }, at: START, branch: 'trunk' }]);
    git(origin, 'checkout', '-q', 'trunk');
    const clone = join(temporaryDirectory(), 'clone');
    git('/', 'clone', '-q', `file://${origin}`, clone);
    git(clone, 'checkout', '-q', '-b', 'mine');
    const places = new GitPlaces();
    await settled(places, clone);
    expect(publishedOf(await places.find(clone, signal))).toBeNull();
    const published = commit(origin);
    git(clone, 'fetch', '-q');
    expect(publishedOf(await places.find(clone, signal))).toBe(published);
  });

  test('a shallow clone that is made whole', async () => {
    const clone = join(temporaryDirectory(), 'clone');
    git('/', 'clone', '-q', '--depth', '1', `file://${repository(THREE_VERSIONS)}`, clone);
    const places = new GitPlaces();
    await settled(places, clone);
    expect(await places.find(clone, signal)).toMatchObject({ place: { isShallow: true } });
    git(clone, 'fetch', '-q', '--unshallow');
    expect(await places.find(clone, signal)).toMatchObject({ place: { isShallow: false } });
  });

  test('a work tree beside the first', async () => {
    const directory = repository(THREE_VERSIONS);
    const beside = join(temporaryDirectory(), 'beside');
    git(directory, 'worktree', 'add', '-q', '-b', 'feature', beside);
    const places = new GitPlaces();
    await settled(places, beside);
    const head = commit(beside);
    expect(headOf(await places.find(beside, signal))).toBe(head);
    const published = commit(directory);
    expect(publishedOf(await places.find(beside, signal))).toBe(published);
  });

  test('a repository that is made above a folder, or nearer to it, or taken away', async () => {
    const top = temporaryDirectory();
    const folder = join(top, 'deep/prompts');
    mkdirSync(folder, { recursive: true });
    const places = new GitPlaces();
    await settled(places, folder);
    git(top, 'init', '-q');
    const first = commit(top);
    expect(headOf(await places.find(folder, signal))).toBe(first);
    await settled(places, folder);
    git(join(top, 'deep'), 'init', '-q');
    const nearer = commit(join(top, 'deep'));
    expect(headOf(await places.find(folder, signal))).toBe(nearer);
    await settled(places, folder);
    rmSync(join(top, 'deep/.git'), { recursive: true });
    expect(headOf(await places.find(folder, signal))).toBe(first);
  });

  test('a link that leads to another checkout from now on, as side-cars that pull do it', async () => {
    const [one, other] = [repository(THREE_VERSIONS), repository(THREE_VERSIONS.slice(0, 1))];
    const directory = temporaryDirectory();
    const link = join(directory, 'current');
    symlinkSync(one, link);
    const places = new GitPlaces();
    await settled(places, join(link, 'prompts'));
    symlinkSync(other, join(directory, 'next'));
    renameSync(join(directory, 'next'), link);
    expect(headOf(await places.find(join(link, 'prompts'), signal))).toBe(headOf(await fresh(other)));
  });
});
