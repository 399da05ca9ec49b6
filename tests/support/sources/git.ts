/** A bare repository on this machine, reached by a file address as a remote one would be. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

export interface GitStandIn extends StandIn {
  /** Runs git in the editor's work tree. */
  git(...args: readonly string[]): string;
  readonly directory: string;
  readonly bare: string;
}

export async function openGitStandIn(): Promise<GitStandIn> {
  const outer = await mkdtemp(join(tmpdir(), 'plumbline-git-'));
  const bare = join(outer, 'prompts.git');
  const work = join(outer, 'work');
  const run = (cwd: string, args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin',
        HOME: outer,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'Mallory',
        GIT_AUTHOR_EMAIL: 'mallory@example.com',
        GIT_COMMITTER_NAME: 'Mallory',
        GIT_COMMITTER_EMAIL: 'mallory@example.com',
      },
    });
  const git = (...args: readonly string[]): string => run(work, args);
  run(outer, ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  run(bare, ['config', 'uploadpack.allowFilter', 'true']);
  run(outer, ['clone', '--quiet', bare, work]);
  const path = (prompt: string): string => join(work, `${prompt}.txt`);
  const push = (words: string): void => {
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '-m', words);
    git('push', '--quiet', 'origin', 'HEAD:main');
  };
  git('checkout', '--quiet', '-b', 'main');
  for (const prompt of PROMPTS) await writeFile(path(prompt), originalText(prompt));
  await writeFile(join(work, '.editorconfig'), 'root = true');
  push('Write the prompts');
  return {
    git,
    directory: work,
    bare,
    config: {
      repository: `file://${bare}`,
      ref: 'main',
      discover: '.',
      commit_as: 'Plumbline <plumbline@example.com>',
    },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { path: `${prompt}.txt` } })),
    secrets: [],
    editor: 'Mallory <mallory@example.com>',
    text: (prompt) => run(bare, ['show', `main:${prompt}.txt`]),
    edit: async (prompt, text) => {
      git('pull', '--quiet', '--ff-only', 'origin', 'main');
      await writeFile(path(prompt), text);
      push(`Edit ${prompt}`);
    },
    movePointer: () => push('Change nothing'),
    remove: async (prompt) => {
      await rm(path(prompt));
      push(`Remove ${prompt}`);
    },
    troubles: ['gone'],
    trouble: async (kind) => {
      if (kind === 'gone') await rename(bare, `${bare}-unmounted`);
      else await rename(`${bare}-unmounted`, bare);
    },
    close: () => rm(outer, { recursive: true, force: true }),
  };
}

export const gitFixture: SourceFixture = { type: 'git', open: openGitStandIn };
