/** The lockfile: one spelling, what `plumbline lock` changes, and since when a pin stands. */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ContentHash } from '../../src/contract/prompt.ts';
import { loadRegistry } from '../../src/registry/load.ts';
import { parseLockRequest, planLock, writeLockFile, type LockOptions } from '../../src/registry/lock.ts';
import { lockedVersions, readLockFile, renderLockFile, type LockedVersions } from '../../src/registry/lockfile.ts';
import { scanLockFile } from '../../src/registry/pin-history.ts';
import { parseYaml } from '../../src/lib/yaml.ts';
import { repository, temporaryDirectory, writeTree } from './git-fixture.ts';

const prompt = (id: string, version: number, more = ''): string =>
  `id: ${id}\nversion: ${version}\n${version > 1 ? `parent: ${version - 1}\n` : ''}owner: t\nmodel: m\ntags: []\n${more}template: ${id} ${version}\n`;

const TREE = {
  'prompts/a1.yaml': prompt('support.a', 1),
  'prompts/a2.yaml': prompt('support.a', 2),
  'prompts/a10.yaml': prompt('support.a', 10).replace('parent: 9', 'parent: 2'),
  'prompts/b.yaml': prompt('support.b', 1),
  'prompts/c.yaml': prompt('shared.c', 1, 'component: true\n'),
};

async function optionsFor(lock: string | null, more: Partial<LockOptions> = {}): Promise<LockOptions> {
  const directory = temporaryDirectory();
  writeTree(directory, lock === null ? TREE : { ...TREE, 'prompts.lock.yaml': lock });
  const signal = new AbortController().signal;
  const roots = [{ files: 'prompts' }];
  const loaded = await loadRegistry({ roots, lockFile: 'prompts.lock.yaml', baseDirectory: directory, signal });
  const { present, locked, snapshot } = loaded;
  return { locked, versions: snapshot.versions, present, environment: null, requests: [], ...more };
}

const shown = (text: string): string[] =>
  [...lockedVersions(parseYaml(text, 'f').value)].flatMap(([environment, pins]) =>
    [...pins].map(([id, { version }]) => `${environment} ${id}@${version}`),
  );

describe('plumbline lock', () => {
  test('without a lockfile pins the newest version of every prompt to production', async () => {
    const plan = planLock(await optionsFor(null));
    expect(shown(plan.text)).toEqual(['production support.a@10', 'production support.b@1']);
    expect(plan.changes.map(({ kind }) => kind)).toEqual(['pinned', 'pinned']);
    expect(plan.refusals).toEqual([]);
  });

  test('what it writes is valid, and locking again changes nothing', async () => {
    const first = planLock(await optionsFor(null));
    const again = planLock(await optionsFor(first.text));
    expect(again.changes).toEqual([]);
    expect(again.text).toBe(first.text);
    expect(readLockFile(first.text, 'f').problems).toEqual([]);
  });

  test('leaves pins where they stand, fills hashes in, and pins what is new, in every environment', async () => {
    const zero: ContentHash = `sha256:${'0'.repeat(64)}`;
    const lock = `environments:\n  staging:\n    support.a: { version: 1 }\n  production:\n    support.a: { version: 2, hash: "${zero}" }\n    support.b: { version: 1 }\n`;
    const plan = planLock(await optionsFor(lock));
    expect(shown(plan.text)).toEqual([
      'production support.a@2',
      'production support.b@1',
      'staging support.a@1',
      'staging support.b@1',
    ]);
    expect(plan.changes.map(({ environment, prompt: id, kind }) => `${environment} ${id} ${kind}`)).toEqual([
      'staging support.a hash_refreshed',
      'staging support.b pinned',
      'production support.a hash_refreshed',
      'production support.b hash_refreshed',
    ]);
  });

  test('moves the pins it is told to, and nothing else', async () => {
    const requests = ['support.a@1', 'support.b'].map(parseLockRequest);
    const lock = 'environments: { staging: {}, production: {} }\n';
    const plan = planLock(await optionsFor(lock, { requests, environment: 'staging' }));
    expect(shown(plan.text)).toEqual(['staging support.a@1', 'staging support.b@1']);
  });

  test('refuses an environment that a lockfile can not name, and would break it', async () => {
    for (const environment of ['', 'Production (EU)', 'prod/eu', 'ü', 'x'.repeat(101)]) {
      const plan = planLock(await optionsFor(null, { environment }));
      expect(plan).toMatchObject({ text: '', changes: [] });
      expect(plan.refusals).toEqual([
        `Nothing can be pinned in ${JSON.stringify(environment)}: the name of an environment must be 1 to 100 letters, digits, \`.\`, \`_\` or \`-\`, and start with a letter or digit.`,
      ]);
    }
    const named = planLock(await optionsFor(null, { environment: 'prod-eu.2_b' }));
    expect(readLockFile(named.text, 'f').problems).toEqual([]);
  });

  test('refuses what does not exist, in words, and leaves it alone', async () => {
    const requests = ['support.z@1', 'support.a@3', 'shared.c', 'suport.b'].map(parseLockRequest);
    const plan = planLock(await optionsFor(null, { requests }));
    expect(plan.changes).toEqual([]);
    expect(plan.refusals).toEqual([
      'support.z is not a registered prompt. Did you mean support.a?',
      'support.a has no version 3; registered: 1, 2 or 10.',
      'shared.c is a component: pin the prompts that include it.',
      'suport.b is not a registered prompt. Did you mean support.b?',
    ]);
  });

  test.each(['environments: {\n', 'environments:\n  production:\n    support.a: { versoin: 1 }\n'])(
    'touches nothing in a lockfile that is not understood: %j',
    async (lock) => {
      const plan = planLock(await optionsFor(lock));
      expect(plan.changes).toEqual([]);
      expect(plan.refusals).toEqual([expect.stringContaining('problems of its own')]);
    },
  );

  test('a lockfile that breaks while the daemon runs unpins nothing', async () => {
    const directory = temporaryDirectory();
    writeTree(directory, { ...TREE, 'prompts.lock.yaml': planLock(await optionsFor(null)).text });
    const signal = new AbortController().signal;
    const options = { roots: [{ files: 'prompts' }], lockFile: 'prompts.lock.yaml', baseDirectory: directory, signal };
    const before = await loadRegistry(options);
    writeTree(directory, { 'prompts.lock.yaml': 'environments: {' });
    const after = await loadRegistry(options, before);
    expect(after.snapshot.pins).toEqual(before.snapshot.pins);
    expect(after.notes.join()).toContain('the pins of before stay in force');
    expect(after.problems).toHaveLength(1);
  });

  test('a lockfile that is gone while the daemon runs unpins nothing; an empty one does', async () => {
    const directory = temporaryDirectory();
    const lockFile = 'prompts.lock.yaml';
    writeTree(directory, { ...TREE, [lockFile]: planLock(await optionsFor(null)).text });
    const signal = new AbortController().signal;
    const options = { roots: [{ files: 'prompts' }], lockFile, baseDirectory: directory, signal };
    const before = await loadRegistry(options);
    expect(before.snapshot.pins.length).toBeGreaterThan(0);
    rmSync(join(directory, lockFile));
    const gone = await loadRegistry(options, before);
    expect(gone.snapshot.pins).toEqual(before.snapshot.pins);
    expect(gone.problems).toMatchObject([{ file: lockFile, message: expect.stringMatching(/^is gone/) }]);
    const still = await loadRegistry(options, gone);
    expect(still.snapshot.pins).toEqual(before.snapshot.pins);
    writeTree(directory, { [lockFile]: 'environments: {}\n' });
    const empty = await loadRegistry(options, still);
    expect(empty.snapshot.pins).toEqual([]);
    expect(empty.problems).toEqual([]);
  });

  test('is written whole', async () => {
    const path = join(temporaryDirectory(), 'prompts.lock.yaml');
    await writeLockFile(path, 'one\n');
    await writeLockFile(path, 'two\n');
    expect(readFileSync(path, 'utf8')).toBe('two\n');
    await expect(writeLockFile(join(path, 'under-a-file'), 'x')).rejects.toThrow('ENOTDIR');
  });
});

const id = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,8}[A-Za-z0-9])?$/);
const version = fc.oneof(
  fc.nat(1_000).map(String),
  fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map((parts) => parts.join('.')),
  fc.nat(20).map((patch) => `1.0.${patch}-rc.1`),
);
const locked: fc.Arbitrary<LockedVersions> = fc
  .array(
    fc.tuple(
      id.filter((name) => !name.includes('/')),
      fc.array(fc.tuple(id, version), { maxLength: 5 }),
    ),
    { maxLength: 4 },
  )
  .map((environments) => {
    const hash: ContentHash = `sha256:${'a'.repeat(64)}`;
    return new Map(
      environments.map(([name, pins]) => [name, new Map(pins.map(([key, its]) => [key, { version: its, hash }]))]),
    );
  });

test('a lockfile reads back as it was written, also by the fast scan of old ones', () => {
  fc.assert(
    fc.property(locked, (pins) => {
      const text = renderLockFile(pins);
      const read = readLockFile(text, 'f');
      expect(read.problems).toEqual([]);
      expect(lockedVersions(read.document.value)).toEqual(pins);
      const withoutHashes = new Map(
        [...pins].map(([name, its]) => [
          name,
          new Map([...its].map(([key, { version: v }]) => [key, { version: v, hash: null }])),
        ]),
      );
      expect(scanLockFile(text)).toEqual(withoutHashes);
      expect(renderLockFile(lockedVersions(read.document.value))).toBe(text);
    }),
  );
});

describe('since when a pin stands', () => {
  const START = 1_767_225_600;
  const DAY = 86_400;
  const lock = (a: number, b: number | null, spelled: 'one line' | 'by hand' = 'one line'): string => {
    const hash = `sha256:${'0'.repeat(64)}`;
    const pin = (name: string, its: number): string =>
      spelled === 'one line'
        ? `    ${name}: { version: ${its}, hash: "${hash}" }\n`
        : `    ${name}:\n      version: ${its}\n      hash: ${hash}\n`;
    return `environments:\n  production:\n${pin('support.a', a)}${b === null ? '' : pin('support.b', b)}`;
  };
  const BY_BOB = 'Bob <bob@example.com>';

  async function pinsOf(directory: string): Promise<string[]> {
    const signal = new AbortController().signal;
    const roots = [{ files: 'prompts' }];
    const loaded = await loadRegistry({ roots, lockFile: 'prompts.lock.yaml', baseDirectory: directory, signal });
    return loaded.snapshot.pins.map(
      ({ prompt: name, version: its, since, by }) => `${name}@${its} ${since?.slice(0, 10)} ${by?.split(' ')[0]}`,
    );
  }

  test('the last commit that changed it, whatever else changed in the file', async () => {
    const directory = repository([
      { files: { ...TREE, 'prompts.lock.yaml': lock(1, null) }, at: START },
      { files: { 'prompts.lock.yaml': lock(1, 1) }, at: START + DAY, author: BY_BOB },
      { files: { 'prompts.lock.yaml': lock(2, 1) }, at: START + 2 * DAY },
      { files: { 'prompts.lock.yaml': lock(2, 1, 'by hand') }, at: START + 3 * DAY, author: BY_BOB },
    ]);
    expect(await pinsOf(directory)).toEqual(['support.a@2 2026-01-03 Ada', 'support.b@1 2026-01-02 Bob']);
  });

  test('a pin that was moved away and back stands since it came back', async () => {
    const directory = repository([
      { files: { ...TREE, 'prompts.lock.yaml': lock(1, 1) }, at: START },
      { files: { 'prompts.lock.yaml': lock(2, 1) }, at: START + DAY },
      { files: { 'prompts.lock.yaml': lock(1, 1) }, at: START + 2 * DAY, author: BY_BOB },
    ]);
    expect(await pinsOf(directory)).toEqual(['support.a@1 2026-01-03 Bob', 'support.b@1 2026-01-01 Ada']);
  });

  test('a pin that is not committed has no date', async () => {
    const directory = repository([{ files: { ...TREE, 'prompts.lock.yaml': lock(1, 1) }, at: START }]);
    writeTree(directory, { 'prompts.lock.yaml': lock(2, 1) });
    expect(await pinsOf(directory)).toEqual(['support.a@2 undefined undefined', 'support.b@1 2026-01-01 Ada']);
  });

  test('across more commits than are read at once', async () => {
    const commits = Array.from({ length: 250 }, (_, index) => ({
      files: { 'prompts.lock.yaml': lock(1, (index % 2) + 1) },
      at: START + index * DAY,
    }));
    const directory = repository([{ files: TREE, at: START - DAY }, ...commits]);
    expect(await pinsOf(directory)).toEqual(['support.a@1 2026-01-01 Ada', 'support.b@2 2026-09-07 Ada']);
  });
});

test('a pin that was written by hand goes by its version, and validation says what is wrong with its hash', async () => {
  const directory = temporaryDirectory();
  writeTree(directory, TREE);
  const options = {
    roots: [{ files: 'prompts' }],
    lockFile: 'prompts.lock.yaml',
    baseDirectory: directory,
    signal: new AbortController().signal,
  };
  const { snapshot } = await loadRegistry(options);
  const hashOf = (name: string, its: string): string | undefined =>
    snapshot.versions.find((known) => known.prompt === name && known.version === its)?.variants[0].hashes.strict;
  const zero = `sha256:${'0'.repeat(64)}`;
  const lock = [
    'environments:',
    '  production:',
    `    support.a: { version: 10, hash: "${hashOf('support.a', '2')}" }`,
    '    support.b: { version: 1 }',
    '  staging:',
    `    support.a: { version: 10, hash: "${zero}" }`,
    `    support.b: { version: 9 }`,
    '',
  ].join('\n');
  writeTree(directory, { 'prompts.lock.yaml': lock });
  const loaded = await loadRegistry(options);
  expect(
    loaded.snapshot.pins.map((pinned) => [pinned.environment, pinned.prompt, pinned.version, pinned.hash]),
  ).toEqual([
    ['production', 'support.a', '10', hashOf('support.a', '10')],
    ['production', 'support.b', '1', hashOf('support.b', '1')],
    // It may be what the version was: that is for the judge to say.
    ['staging', 'support.a', '10', zero],
  ]);
  const [left, missing, changed] = loaded.problems;
  expect(left?.hint).toBe(
    'It is the hash of version 2. To pin 10, run: plumbline lock support.a@10 --environment production',
  );
  expect(missing?.message).toContain('is required');
  expect(changed?.hint).toContain('Either was changed after it was pinned.');
});
