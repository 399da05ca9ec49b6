/**
 * In which repository a folder is, and at which commit. Git is asked, and once it has answered, only
 * when something that its answer depends on has changed: starting a program copies the page tables of
 * this process, and then every page that it writes to is a fault. Of a daemon under load that took a
 * tenth of its time or more, for a question that is asked every few seconds.
 */

import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileSignature } from './discover.ts';
import { runGit, type GitPlace } from './git.ts';

export type GitPlaceAnswer =
  | { readonly kind: 'found'; readonly place: GitPlace }
  | { readonly kind: 'no_git' }
  | { readonly kind: 'no_repository' }
  | { readonly kind: 'no_commits' }
  /** Git refuses, e.g. because the folder belongs to somebody else. */
  | { readonly kind: 'refused'; readonly reason: string };

interface Asked {
  readonly answer: GitPlaceAnswer;
  /** Null when no repository was found. */
  readonly repository: Repository | null;
}

/** Both are the same, but for a work tree beside the first one. */
interface Repository {
  /** Has HEAD. */
  readonly gitDirectory: string;
  /** Has the branches. */
  readonly commonDirectory: string;
}

interface Known extends Asked {
  /** Taken before git was asked. Null when it was not known yet what to take. */
  readonly signature: string | null;
  readonly askedAtMs: number;
}

// Why git refuses, or is not there, no file tells.
const ASK_AGAIN_MS = 60_000;

/** The default branch of the place it was cloned from; without one, the local branch of the usual name. */
const DEFAULT_BRANCHES = [
  'refs/remotes/origin/HEAD',
  'refs/remotes/origin/main',
  'refs/remotes/origin/master',
  'refs/heads/main',
  'refs/heads/master',
];

// Branches that only name another branch; git itself follows five.
const NAMES_FOLLOWED = 5;

export class GitPlaces {
  readonly #known = new Map<string, Known>();

  /** Throws the signal's reason when it aborts. */
  async find(directory: string, signal: AbortSignal): Promise<GitPlaceAnswer> {
    const known = this.#known.get(directory);
    const signature = known === undefined ? null : await signatureOf(directory, known.repository);
    if (known !== undefined && known.signature === signature && !mayChangeUnseen(known)) return known.answer;
    const askedAtMs = performance.now();
    const asked = await ask(directory, signal);
    const isSamePlace = known !== undefined && isSame(known.repository, asked.repository);
    this.#known.set(directory, { ...asked, signature: isSamePlace ? signature : null, askedAtMs });
    return asked.answer;
  }
}

function mayChangeUnseen({ answer, askedAtMs }: Known): boolean {
  const isTold = answer.kind !== 'refused' && answer.kind !== 'no_git';
  return !isTold && performance.now() - askedAtMs > ASK_AGAIN_MS;
}

function isSame(a: Repository | null, b: Repository | null): boolean {
  return a?.gitDirectory === b?.gitDirectory && a?.commonDirectory === b?.commonDirectory;
}

async function ask(directory: string, signal: AbortSignal): Promise<Asked> {
  const directories = ['--absolute-git-dir', '--git-common-dir'];
  const question = ['rev-parse', ...directories, '--is-shallow-repository', '--show-prefix', '--verify', 'HEAD'];
  const result = await runGit(directory, question, signal);
  if (result.kind === 'no_git') return { answer: { kind: 'no_git' }, repository: null };
  const [gitDirectory = '', common = '', shallow, prefix, head] = result.stdout.toString('utf8').split('\n');
  const repository =
    gitDirectory === '' ? null : { gitDirectory, commonDirectory: resolve(directory, common === '' ? '.' : common) };
  if (result.status === 0 && head !== undefined && /^[0-9a-f]{40,64}$/.test(head)) {
    const published = await publishedHead(directory, head, signal);
    const isShallow = shallow === 'true';
    const place = { directory, head, published, isShallow, prefix: prefix ?? '' };
    return { answer: { kind: 'found', place }, repository };
  }
  if (shallow === 'true' || shallow === 'false') return { answer: { kind: 'no_commits' }, repository };
  const reason = result.stderr.split('\n')[0]?.replace(/^fatal: /, '') ?? '';
  const isNone = reason === '' || /not a git repository/i.test(reason);
  return { answer: isNone ? { kind: 'no_repository' } : { kind: 'refused', reason }, repository };
}

async function publishedHead(directory: string, head: string, signal: AbortSignal): Promise<string | null> {
  const format = '--format=%(refname) %(objectname)';
  const result = await runGit(directory, ['for-each-ref', format, ...DEFAULT_BRANCHES], signal);
  if (result.kind === 'no_git' || result.status !== 0) return null;
  const heads = new Map(
    result.stdout
      .toString('utf8')
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const branch = DEFAULT_BRANCHES.find((name) => heads.has(name));
  const found = branch === undefined ? undefined : heads.get(branch);
  return found === undefined || found === head ? null : found;
}

/** Equal: git would say the same as before. */
async function signatureOf(directory: string, repository: Repository | null): Promise<string> {
  const real = await realpath(directory).catch(() => directory);
  const above = await Promise.all(foldersUpFrom(real).map((folder) => stateOf(join(folder, '.git'))));
  const parts = [real, ...above];
  if (repository !== null) {
    const { gitDirectory, commonDirectory } = repository;
    parts.push(await branchState(join(gitDirectory, 'HEAD'), commonDirectory));
    for (const name of DEFAULT_BRANCHES) {
      parts.push(await branchState(join(commonDirectory, name), commonDirectory));
    }
    for (const name of ['packed-refs', 'shallow', 'reftable/tables.list']) {
      parts.push(await stateOf(join(commonDirectory, name)));
    }
    // The heads of a work tree of its own.
    parts.push(await stateOf(join(gitDirectory, 'reftable/tables.list')));
  }
  return parts.join('\n');
}

function foldersUpFrom(directory: string): readonly string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...foldersUpFrom(above)];
}

/** What stands in the file of a branch, and in that of the branch that it names. */
async function branchState(file: string, commonDirectory: string): Promise<string> {
  const names: string[] = [];
  for (let next: string | null = file; next !== null && names.length <= NAMES_FOLLOWED;) {
    const content: string | null = await readFile(next, 'utf8').catch(() => null);
    names.push(content ?? 'none');
    const name: string | undefined = /^ref: *(\S+)/.exec(content ?? '')?.[1];
    next = name === undefined ? null : join(commonDirectory, name);
  }
  return names.join('\n');
}

/** Of a folder only which one it is: what is in it changes with every command. */
async function stateOf(path: string): Promise<string> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? fileSignature(stats) : `${stats.ino}`;
  } catch {
    return 'none';
  }
}
