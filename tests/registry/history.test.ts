/** Registries in real Git repositories: who registered what when, and what was tampered with. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { displayBody } from '../../src/text/body.ts';
import { loadRegistry, type LoadedRegistry } from '../../src/registry/load.ts';
import { formatProblems } from '../../src/lib/problems.ts';
import { git, repository, temporaryDirectory, writeTree, type FixtureCommit } from './git-fixture.ts';

const DAY = 86_400;
const START = 1_767_225_600; // 2026-01-01T00:00:00Z

function prompt(version: number | string, text: string, more = ''): string {
  const parent = version === 1 ? '' : `parent: ${Number(version) - 1}\n`;
  return `id: support.a\nversion: ${version}\n${parent}owner: team\nmodel: m\ntags: []\n${more}template: |\n  ${text}\n`;
}

function load(directory: string, root = 'prompts', previous?: LoadedRegistry): Promise<LoadedRegistry> {
  const signal = new AbortController().signal;
  return loadRegistry(
    { roots: [{ files: root }], lockFile: 'prompts.lock.yaml', baseDirectory: directory, signal },
    previous,
  );
}

function summary(loaded: LoadedRegistry): string[] {
  return loaded.snapshot.versions.map(({ prompt: id, version, variants, registeredAt, author }) => {
    const text = displayBody(variants[0].body).trim();
    return `${id}@${version} ${text} | ${registeredAt?.slice(0, 10)} ${author?.split(' ')[0]}`;
  });
}

function tampering(loaded: LoadedRegistry): string[] {
  return loaded.tampered.map(({ prompt: id, version, changed, stillThere, first, later }) => {
    const show = ({ variants, author, origin }: typeof first): string =>
      `${displayBody(variants[0].body).trim()} by ${author?.split(' ')[0]} in ${origin.commit === undefined ? 'no commit' : 'a commit'}`;
    return `${id}@${version} ${changed.join()}: ${show(first)}, then ${show(later)}, ${stillThere ? 'still there' : 'gone'}`;
  });
}

const BY_BOB = 'Bob <bob@example.com>';
const PATH = 'prompts/a.yaml';

const THREE_VERSIONS: readonly FixtureCommit[] = [
  { files: { [PATH]: prompt(1, 'One.') }, at: START },
  { files: { [PATH]: prompt(2, 'Two.'), 'README.md': 'x' }, at: START + DAY, author: BY_BOB },
  { files: { [PATH]: prompt(3, 'Three.') }, at: START + 2 * DAY },
];

describe('one file, edited in place', () => {
  test('every committed version is registered, with author and commit time', async () => {
    const directory = repository(THREE_VERSIONS);
    const loaded = await load(directory);
    expect(summary(loaded)).toEqual([
      'support.a@1 One. | 2026-01-01 Ada',
      'support.a@2 Two. | 2026-01-02 Bob',
      'support.a@3 Three. | 2026-01-03 Ada',
    ]);
    expect(loaded.problems).toEqual([]);
    const [first] = loaded.snapshot.versions;
    expect(first?.origin.commit).toBe(git(directory, 'rev-parse', 'main~2'));
    expect(loaded.snapshot.versions.at(-1)?.origin).toMatchObject({ file: PATH, line: 1 });
  });

  test('a version that was deleted stays registered, and its prompt is not present', async () => {
    const loaded = await load(
      repository([
        ...THREE_VERSIONS,
        {
          files: { [PATH]: null, 'prompts/b.yaml': prompt(1, 'B.').replace('support.a', 'support.b') },
          at: START + 3 * DAY,
        },
      ]),
    );
    expect(summary(loaded)).toHaveLength(4);
    expect([...loaded.present]).toEqual(['support.b']);
  });

  test('a commit between two versions that is broken, or no prompt, is passed over and counted', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.') }, at: START },
        { files: { [PATH]: 'id: [broken\n' }, at: START + 1 },
        { files: { [PATH]: 'just: something\n' }, at: START + 2 },
        { files: { [PATH]: prompt(2, 'Two.') }, at: START + 3 },
      ]),
    );
    expect(summary(loaded)).toHaveLength(2);
    expect(loaded.problems).toEqual([]);
    expect(loaded.notes.join()).toContain('2 committed states of YAML files hold no readable prompt');
  });

  test('an old state may lack what is required today', async () => {
    const old = 'id: support.a\nversion: 1\ntemplate: Old.\nlegacy: yes\n';
    const loaded = await load(
      repository([
        { files: { [PATH]: old }, at: START },
        { files: { [PATH]: prompt(2, 'Two.') }, at: START + 1 },
      ]),
    );
    expect(summary(loaded)[0]).toContain('support.a@1 Old.');
    expect(loaded.problems).toEqual([]);
  });
});

describe('a version whose content changes', () => {
  test('after it was committed: the first content is of record, and both sides are told', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.') }, at: START },
        { files: { [PATH]: prompt(1, 'Not one.') }, at: START + DAY, author: BY_BOB },
      ]),
    );
    expect(summary(loaded)).toEqual(['support.a@1 One. | 2026-01-01 Ada']);
    expect(tampering(loaded)).toEqual([
      'support.a@1 text: One. by Ada in a commit, then Not one. by Bob in a commit, still there',
    ]);
    expect(formatProblems(loaded.problems)).toMatch(
      /^prompts\/a\.yaml:2:1 version: 1 of support\.a is already registered in commit [0-9a-f]{10} by Ada Lovelace <ada@example\.com> on 2026-01-01, with other content\. A version never changes/,
    );
  });

  test('and was put right later: a fact, no problem', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.') }, at: START },
        { files: { [PATH]: prompt(1, 'Not one.') }, at: START + 1, author: BY_BOB },
        { files: { [PATH]: prompt(1, 'One.') }, at: START + 2 },
      ]),
    );
    expect(tampering(loaded)).toEqual([
      'support.a@1 text: One. by Ada in a commit, then Not one. by Bob in a commit, gone',
    ]);
    expect(loaded.problems).toEqual([]);
  });

  test('settings count, owner and tags do not: their newest word is taken', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.', 'parameters: { temperature: 0 }\n') }, at: START },
        {
          files: {
            [PATH]: prompt(1, 'One.', 'parameters: { temperature: 1 }\n').replace('owner: team', 'owner: other'),
          },
          at: START + 1,
          author: BY_BOB,
        },
      ]),
    );
    expect(tampering(loaded)).toEqual([
      'support.a@1 parameters: One. by Ada in a commit, then One. by Bob in a commit, still there',
    ]);
    expect(loaded.snapshot.versions[0]).toMatchObject({
      owner: 'other',
      variants: [{ settings: { parameters: { temperature: 0 } } }],
    });
  });

  test('through its component: the expanded text counts', async () => {
    const component = (text: string): string =>
      `id: shared.c\nversion: 1\ncomponent: true\nowner: t\ntags: []\ntemplate: ${text}\n`;
    const user = prompt(1, '{{component:shared.c}}', 'components: [shared.c@1]\n');
    const loaded = await load(
      repository([
        { files: { 'prompts/c.yaml': component('Be kind.'), [PATH]: user }, at: START },
        { files: { 'prompts/c.yaml': component('Be rude.') }, at: START + 1 },
        // The same words, now written out: nothing has changed for the model.
        { files: { [PATH]: prompt(1, 'Be kind.') }, at: START + 2 },
      ]),
    );
    expect(tampering(loaded)).toEqual([
      'shared.c@1 text: Be kind. by Ada in a commit, then Be rude. by Ada in a commit, still there',
    ]);
    expect(summary(loaded)[1]).toContain('support.a@1 Be kind.');
  });

  test('in the working tree: a problem, and a fact without commit', async () => {
    const directory = repository(THREE_VERSIONS);
    writeTree(directory, { [PATH]: prompt(3, 'Edited by hand.') });
    const loaded = await load(directory);
    expect(summary(loaded).at(-1)).toBe('support.a@3 Three. | 2026-01-03 Ada');
    expect(tampering(loaded)).toEqual([
      'support.a@3 text: Three. by Ada in a commit, then Edited by hand. by undefined in no commit, still there',
    ]);
    expect(loaded.problems).toHaveLength(1);
  });

  test('because a copied file still carries the old id: twice the same version, not tampering', async () => {
    const directory = repository([
      { files: { 'prompts/z.yaml': prompt(1, 'One.') }, at: START },
      { files: { 'prompts/copy.yaml': prompt(1, 'A copy.') }, at: START + 1 },
    ]);
    const copied = await load(directory);
    expect(copied.tampered).toEqual([]);
    expect(summary(copied)).toEqual(['support.a@1 One. | 2026-01-01 Ada']);
    expect(formatProblems(copied.problems)).toContain('is support.a version 1, which prompts/copy.yaml:1 is already');
  });
});

describe('branches', () => {
  test('drafts of one version on a merged branch are no tampering; the writer is the author', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.') }, at: START },
        { files: { [PATH]: prompt(2, 'Draft.') }, at: START + 1, branch: 'topic', from: 1, author: BY_BOB },
        { files: { [PATH]: prompt(2, 'Two.') }, at: START + 2, branch: 'topic', author: BY_BOB },
        { files: { 'README.md': 'x' }, at: START + 3, from: 1 },
        { files: { [PATH]: prompt(2, 'Two.') }, at: START + DAY, merge: 3 },
      ]),
    );
    expect(loaded.tampered).toEqual([]);
    expect(summary(loaded)).toEqual(['support.a@1 One. | 2026-01-01 Ada', 'support.a@2 Two. | 2026-01-02 Bob']);
  });

  test('a version that came and went on a merged branch is registered as it was last', async () => {
    const loaded = await load(
      repository([
        { files: { [PATH]: prompt(1, 'One.') }, at: START },
        { files: { [PATH]: prompt(2, 'Two, first try.') }, at: START + 1, branch: 'topic', from: 1, author: BY_BOB },
        { files: { [PATH]: prompt(2, 'Two.') }, at: START + 2, branch: 'topic' },
        { files: { [PATH]: prompt(3, 'Three.') }, at: START + 3, branch: 'topic' },
        { files: { 'README.md': 'x' }, at: START + 4, from: 1 },
        { files: { [PATH]: prompt(3, 'Three.') }, at: START + DAY, merge: 4 },
      ]),
    );
    expect(loaded.tampered).toEqual([]);
    expect(summary(loaded).map((line) => line.split(' |')[0])).toEqual([
      'support.a@1 One.',
      'support.a@2 Two.',
      'support.a@3 Three.',
    ]);
  });
});

describe('moves', () => {
  test('a file that is renamed, and changed in the same commit, keeps its history', async () => {
    const loaded = await load(
      repository([
        { files: { 'prompts/z.yaml': prompt(1, 'One.') }, at: START },
        { files: { 'prompts/z.yaml': null, 'prompts/a.yaml': prompt(1, 'Changed.') }, at: START + 1, author: BY_BOB },
      ]),
    );
    expect(tampering(loaded)).toEqual([
      'support.a@1 text: One. by Ada in a commit, then Changed. by Bob in a commit, still there',
    ]);
  });

  test('a folder that was moved brings the versions from where it was', async () => {
    const text = 'A long enough text to be seen as the same file. '.repeat(5);
    const loaded = await load(
      repository([
        { files: { 'old/place/a.yaml': prompt(1, `One. ${text}`) }, at: START },
        { files: { 'old/place/a.yaml': prompt(2, `Two. ${text}`) }, at: START + DAY, author: BY_BOB },
        { files: { 'old/place/a.yaml': null, [PATH]: prompt(2, `Two. ${text}`) }, at: START + 2 * DAY },
      ]),
    );
    expect(summary(loaded).map((line) => line.replace(text.trim(), ''))).toEqual([
      'support.a@1 One.  | 2026-01-01 Ada',
      'support.a@2 Two.  | 2026-01-02 Bob',
    ]);
  });

  test('paths with spaces, quotes, newlines and letters beyond ASCII are read', async () => {
    const directory = temporaryDirectory();
    git(directory, 'init', '-q', '-b', 'main');
    writeTree(directory, { 'prompts/ein "schöner"\nName.yaml': prompt(1, 'One.') });
    git(directory, 'add', '.');
    git(directory, '-c', 'user.name=Zoë', '-c', 'user.email=z@example.com', 'commit', '-qm', 'x');
    const [line] = summary(await load(directory));
    expect(line).toMatch(/One\. .* Zoë$/);
  });
});

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
    expect(loaded.notes.join('\n')).toMatch(/Git history of prompts could not be read|Git does not read/);
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

  test('stops when it is told to', async () => {
    const directory = repository(THREE_VERSIONS);
    const signal = AbortSignal.abort(new Error('enough'));
    const options = { roots: [{ files: 'prompts' }], lockFile: null, baseDirectory: directory, signal };
    await expect(loadRegistry(options)).rejects.toThrow('enough');
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
