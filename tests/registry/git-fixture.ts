/** Real Git repositories for tests, written by one `git fast-import` however many commits they have. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

export interface FixtureCommit {
  /** Path → text; null deletes. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly author?: string;
  /** Seconds since 1970. */
  readonly at: number;
  /** Written an hour before it was committed, as after a rebase. */
  readonly isRewritten?: boolean;
  readonly branch?: string;
  /** Marks (numbers from 1, in order of the list) of the parents; default: the branch's last commit. */
  readonly from?: number;
  readonly merge?: number;
}

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-registry-'));
  made.push(directory);
  return directory;
}

export function git(directory: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** A repository with these commits, `main` checked out. */
export function repository(commits: readonly FixtureCommit[]): string {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q', '-b', 'main');
  const stream = commits.map((commit, index) => importCommand(commit, index + 1)).join('');
  execFileSync('git', ['fast-import', '--quiet', '--force'], { cwd: directory, input: stream });
  git(directory, 'reset', '-q', '--hard', 'main');
  return directory;
}

function importCommand(commit: FixtureCommit, mark: number): string {
  const { files, author = 'Ada Lovelace <ada@example.com>', at, isRewritten, branch = 'main', from, merge } = commit;
  const lines = [`commit refs/heads/${branch}\n`, `mark :${mark}\n`];
  lines.push(
    `author ${author} ${isRewritten === true ? at - 3600 : at} +0100\n`,
    `committer Forge <forge@example.com> ${at} +0000\n`,
    'data 1\nx\n',
  );
  if (from !== undefined) lines.push(`from :${from}\n`);
  if (merge !== undefined) lines.push(`merge :${merge}\n`);
  for (const [path, text] of Object.entries(files)) {
    lines.push(text === null ? `D ${path}\n` : `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  }
  return lines.join('');
}

export function writeTree(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}
