/** What is particular to Git: refs of all kinds, local and remote, and a server that asks for a password. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Repository } from '../../collectors/lib/git-repository.ts';
import { openGitStandIn, type GitStandIn } from '../support/sources/git.ts';
import { serveApi, type HttpStandIn } from '../support/sources/http-stand-in.ts';
import { textBody } from '../../src/text/body.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
const servers: HttpStandIn[] = [];

afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
  for (const server of servers.splice(0)) await server.close();
});

async function watch(
  standIn: GitStandIn,
  config: object,
  targets: readonly object[] = [{ path: 'intent.txt' }],
  timeoutMs = 60_000,
) {
  const place = await watchPlace(
    { type: 'git' },
    {
      ...standIn,
      config,
      targets: targets.map((target, index) => ({ prompt: `p${index}`, config: target })),
    },
    timeoutMs,
  );
  opened.push(place);
  return place;
}

describe('a restore', () => {
  const AUTHOR = 'Plumbline <plumbline@example.com>';
  const command = { version: '7', body: textBody('Put "back".\n'), settings: {} };

  it('is one commit on the branch, with everything else as it was', async () => {
    const standIn = await openGitStandIn();
    await mkdir(join(standIn.directory, 'odd "names"'));
    await writeFile(join(standIn.directory, 'odd "names"', 'ä b.yaml'), 'a: 1 # keep\nprompt: old\n');
    await standIn.edit('intent', EDITED);
    const before = standIn.git('rev-parse', 'HEAD').trim();
    const place = await watch(standIn, { repository: `file://${standIn.bare}`, ref: 'main', commit_as: AUTHOR }, [
      { path: 'intent.txt' },
      { path: 'odd "names"/ä b.yaml', field: 'prompt' },
    ]);
    for (const id of ['place/p0', 'place/p1'])
      expect(await place.host.restore(id, command)).toMatchObject({ result: 'restored', comparesAndSets: true });
    standIn.git('pull', '--quiet', '--ff-only', 'origin', 'main');
    expect(standIn.git('log', '--format=%an <%ae> %s', `${before}..`).trim().split('\n')).toEqual([
      `${AUTHOR} Restore odd "names"/ä b.yaml to version 7`,
      `${AUTHOR} Restore intent.txt to version 7`,
    ]);
    expect(standIn.git('diff', '--stat=200', before, 'HEAD', '--', '.')).toContain('2 files changed');
    expect(standIn.git('show', 'HEAD:odd "names"/ä b.yaml')).toMatch(/^a: 1 # keep\nprompt: \|?/);
    expect(standIn.git('for-each-ref', 'refs/plumbline')).toBe('');
  });

  it('is refused when the branch moved in the moment between comparison and push', async () => {
    const standIn = await openGitStandIn();
    // Somebody is faster: their commit lands while ours is on its way.
    const hook = join(standIn.bare, 'hooks', 'pre-receive');
    const theirs = standIn.git('commit-tree', '-p', 'HEAD', '-m', 'Theirs', 'HEAD^{tree}').trim();
    standIn.git('push', '--quiet', 'origin', `${theirs}:refs/heads/theirs`);
    const move = `#!/bin/sh\nrm "$0"\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main ${theirs}\n`;
    await writeFile(hook, move, { mode: 0o755 });
    const place = await watch(standIn, { repository: `file://${standIn.bare}`, ref: 'main', commit_as: AUTHOR });
    await expect(place.host.restore('place/p0', command)).rejects.toThrow('changed meanwhile');
    expect(await standIn.text('intent')).toBe(originalText('intent'));
    expect(await place.host.restore('place/p0', command)).toMatchObject({ result: 'restored' });
  });

  it('needs a branch, a name, and a branch that nobody works on', async () => {
    const standIn = await openGitStandIn();
    standIn.git('tag', 'v1');
    standIn.git('push', '--quiet', 'origin', 'v1');
    const repository = `file://${standIn.bare}`;
    const tag = await watch(standIn, { repository, ref: 'v1', commit_as: AUTHOR });
    await expect(tag.host.restore('place/p0', command)).rejects.toThrow('no branch');
    const nameless = await watch(standIn, { repository, ref: 'main' });
    await expect(nameless.host.restore('place/p0', command)).rejects.toThrow("can't write");
    const local = { repository: standIn.directory, ref: 'main', commit_as: AUTHOR };
    const place = await watch(standIn, local);
    await expect(place.host.restore('place/p0', command)).rejects.toMatchObject({
      kind: 'permanent',
      hint: expect.stringContaining('checked out'),
    });
    standIn.git('checkout', '--quiet', '-b', 'mine');
    expect(await place.host.restore('place/p0', command)).toMatchObject({ result: 'restored' });
    expect(standIn.git('show', 'main:intent.txt')).toBe('Put "back".\n');
  });
});

describe('the copy of a remote repository', () => {
  it('is made and brought up to date by several at once, as a poll and a restore are', async () => {
    const standIn = await openGitStandIn();
    const config = { repository: `file://${standIn.bare}`, ref: 'main', username: 'git' };
    const cacheDirectory = tempDirectory();
    const context = { name: 'place', baseDirectory: cacheDirectory, cacheDirectory, fetch: globalThis.fetch };
    const { signal } = new AbortController();
    for (const text of ['one', 'two', 'three']) {
      await standIn.edit('intent', text);
      const commit = standIn.git('rev-parse', 'HEAD').trim();
      const reads = Array.from({ length: 8 }, async () => {
        const repository = new Repository(config, context, signal);
        await repository.fetchCommit(commit);
        return await repository.readText(commit, 'intent.txt');
      });
      expect(await Promise.all(reads)).toEqual(Array.from({ length: 8 }, () => text));
    }
  });
});

describe('a ref', () => {
  it.each([
    ['a branch', 'main'],
    ['a full ref', 'refs/heads/main'],
    ['HEAD', 'HEAD'],
    ['an annotated tag', 'v1'],
    ['a commit', ''],
  ])('may be %s, in a remote and in a local repository', async (_what, ref) => {
    const standIn = await openGitStandIn();
    standIn.git('tag', '-a', 'v1', '-m', 'one');
    standIn.git('push', '--quiet', 'origin', 'v1');
    const commit = standIn.git('rev-parse', 'HEAD').trim();
    for (const repository of [`file://${standIn.bare}`, standIn.directory]) {
      const place = await watch(standIn, { repository, ref: ref === '' ? commit : ref });
      expect((await place.poll()).get('p0')).toMatchObject({
        outcome: 'held',
        body: { text: originalText('intent') },
        pointer: { name: ref === '' ? commit : ref, value: commit },
        sourceVersion: commit,
        editedBy: 'Mallory <mallory@example.com>',
      });
    }
  });

  it('that moves takes the pointer and not the version with it, when the file stays', async () => {
    const standIn = await openGitStandIn();
    const place = await watch(standIn, { repository: standIn.directory, ref: 'main' });
    const first = standIn.git('rev-parse', 'HEAD').trim();
    await place.poll();
    await standIn.edit('reply', EDITED);
    const second = standIn.git('rev-parse', 'HEAD').trim();
    expect((await place.poll()).get('p0')).toMatchObject({ pointer: { value: second }, sourceVersion: first });
  });

  it('that does not exist is missing, since the repository answered', async () => {
    const standIn = await openGitStandIn();
    for (const repository of [`file://${standIn.bare}`, standIn.directory]) {
      const place = await watch(standIn, { repository, ref: 'no-such-branch' });
      expect((await place.poll()).get('p0')).toMatchObject({ outcome: 'missing' });
    }
  });

  it('that was pushed with force is followed', async () => {
    const standIn = await openGitStandIn();
    const place = await watch(standIn, { repository: `file://${standIn.bare}`, ref: 'main' });
    await place.poll();
    await writeFile(join(standIn.directory, 'intent.txt'), EDITED);
    standIn.git('commit', '--quiet', '--all', '--amend', '-m', 'Rewritten');
    standIn.git('push', '--quiet', '--force', 'origin', 'main');
    expect((await place.poll()).get('p0')).toMatchObject({ outcome: 'held', body: { text: EDITED } });
  });
});

it('reads a field, and asks nothing more of a commit it knows', async () => {
  const standIn = await openGitStandIn();
  await writeFile(join(standIn.directory, 'p.yaml'), 'a:\n  b: hello\n');
  standIn.git('add', '--all');
  standIn.git('commit', '--quiet', '-m', 'Add');
  standIn.git('push', '--quiet', 'origin', 'main');
  const targets = [{ path: 'p.yaml', field: 'a.b' }, { path: 'p.yaml', field: 'a.c' }, { path: 'none.txt' }];
  const place = await watch(standIn, { repository: `file://${standIn.bare}`, ref: 'main' }, targets);
  const first = await place.poll();
  expect([0, 1, 2].map((index) => first.get(`p${index}`)?.outcome)).toEqual(['held', 'missing', 'missing']);
  expect(first.get('p0')).toMatchObject({ body: { text: 'hello' } });
  await place.poll();
  expect(place.events.findLast((event) => event.kind === 'polled')).toMatchObject({
    unchanged: 1,
    held: 0,
    missing: 2,
  });
});

it('answers a server that wants a password with its token or not at all, and never waits at a prompt', async () => {
  const standIn = await openGitStandIn();
  const server = await serveApi(() => ({
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="git"' },
    body: 'Password?',
  }));
  servers.push(server);
  const without = await watch(standIn, { repository: `${server.origin}/team/prompts.git` });
  expect((await without.poll()).get('p0')).toMatchObject({ outcome: 'unreachable' });
  expect(server.requests.every((request) => request.headers['authorization'] === undefined)).toBe(true);

  const place = await watch(standIn, { repository: `${server.origin}/team/prompts.git`, token: 'git-token-123456' });
  const observation = (await place.poll()).get('p0');
  expect(observation).toMatchObject({ outcome: 'unreachable' });
  expect(server.requests.at(-1)?.headers['authorization']).toBe(
    `Basic ${Buffer.from('x-access-token:git-token-123456').toString('base64')}`,
  );
  expect(JSON.stringify(observation)).not.toContain('git-token');
});

it('does not hang with a server that says nothing', async () => {
  const standIn = await openGitStandIn();
  const server = await serveApi(() => ({}));
  servers.push(server);
  await server.trouble('hangs');
  const place = await watch(
    standIn,
    { repository: `${server.origin}/team/prompts.git` },
    [{ path: 'intent.txt' }],
    300,
  );
  expect((await place.poll()).get('p0')).toMatchObject({ outcome: 'unreachable', reason: 'No answer within 300ms.' });
  await server.trouble(null);
});
