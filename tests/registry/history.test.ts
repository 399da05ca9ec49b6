/** Registries in real Git repositories: who registered what when, and what was tampered with. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblems } from '../../src/lib/problems.ts';
import { git, repository, temporaryDirectory, writeTree, type FixtureCommit } from './git-fixture.ts';
import { BY_BOB, DAY, PATH, START, THREE_VERSIONS, load, prompt, summary, tampering } from './loading.ts';

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

describe('before the default branch', () => {
  const commits: readonly FixtureCommit[] = [
    { files: { [PATH]: prompt(1, 'One.') }, at: START },
    { files: { [PATH]: prompt(2, 'Draft.') }, at: START + 1, branch: 'topic', from: 1, author: BY_BOB },
    { files: { [PATH]: prompt(2, 'Two.') }, at: START + DAY, branch: 'topic', author: BY_BOB },
  ];

  test('a draft on a branch may change; it counts as it was last', async () => {
    const directory = repository(commits);
    git(directory, 'checkout', '-q', 'topic');
    const loaded = await load(directory);
    expect(loaded.tampered).toEqual([]);
    expect(loaded.problems).toEqual([]);
    expect(summary(loaded)).toEqual(['support.a@1 One. | 2026-01-01 Ada', 'support.a@2 Two. | 2026-01-02 Bob']);
  });

  test('what is published may not be changed there', async () => {
    const directory = repository([
      ...commits,
      { files: { [PATH]: prompt(1, 'Not one.') }, at: START + 2 * DAY, branch: 'topic', author: BY_BOB },
    ]);
    git(directory, 'checkout', '-q', 'topic');
    expect(tampering(await load(directory))).toEqual([
      'support.a@1 text: One. by Ada in a commit, then Not one. by Bob in a commit, still there',
    ]);
  });

  test('in a clone, what was not pushed may change; once it is pushed, no more', async () => {
    const origin = repository(commits.slice(0, 1));
    const clone = join(temporaryDirectory(), 'clone');
    git('/', 'clone', '-q', `file://${origin}`, clone);
    const commit = (text: string): void => {
      writeTree(clone, { [PATH]: prompt(2, text) });
      git(clone, '-c', 'user.name=Eve', '-c', 'user.email=e@example.com', 'commit', '-qam', 'x');
    };
    commit('Draft.');
    const draft = await load(clone);
    commit('Two.');
    expect((await load(clone, 'prompts', draft)).tampered).toEqual([]);
    git(clone, 'push', '-q', 'origin', 'HEAD:published');
    git(origin, 'reset', '-q', '--hard', 'published');
    git(clone, 'fetch', '-q');
    const pushed = await load(clone, 'prompts', draft);
    // Both contents are on the default branch now, one after the other.
    expect(tampering(pushed)).toEqual([
      'support.a@2 text: Draft. by Eve in a commit, then Two. by Eve in a commit, still there',
    ]);
  });
});

describe('merged by rebasing', () => {
  const DRAFTS: readonly FixtureCommit[] = [
    { files: { [PATH]: prompt(1, 'One.') }, at: START },
    { files: { [PATH]: prompt(2, 'Draft.') }, at: START + DAY, isRewritten: true },
    { files: { [PATH]: prompt(2, 'Two.') }, at: START + DAY + 1, isRewritten: true },
    { files: { [PATH]: prompt(3, 'Three.') }, at: START + DAY + 2, isRewritten: true },
  ];

  test('drafts that land together never stood on the branch alone', async () => {
    const loaded = await load(repository(DRAFTS));
    expect(loaded.tampered).toEqual([]);
    expect(summary(loaded).map((line) => line.split(' |')[0])).toEqual([
      'support.a@1 One.',
      'support.a@2 Two.',
      'support.a@3 Three.',
    ]);
  });

  test('what landed before does not count among them', async () => {
    const loaded = await load(
      repository([...DRAFTS, { files: { [PATH]: prompt(3, 'Not three.') }, at: START + 2 * DAY, isRewritten: true }]),
    );
    expect(loaded.tampered.map(({ version }) => version)).toEqual(['3']);
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
