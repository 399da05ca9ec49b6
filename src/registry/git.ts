/**
 * Asks the `git` binary about one repository: bounded output, `-z` formats, nothing that writes,
 * prompts, or runs the repository's own programs. Knows nothing of prompts.
 */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Fault } from '../contract/fault.ts';
import { nearestTimestamp } from '../lib/time.ts';
import type { Timestamp } from '../contract/time.ts';

export const GIT_LIMITS = {
  outputBytesMax: 128 * 1024 * 1024,
  blobBytesMax: 1024 * 1024,
  commitsMax: 50_000,
  timeoutMs: 120_000,
} as const;

// No lock files in a repository that is not ours, no signatures in the log, no pager, no hooks.
const SAFE = [
  '--no-optional-locks',
  '--no-pager',
  '--literal-pathspecs',
  '-c',
  'log.showSignature=false',
  '-c',
  'core.fsmonitor=false',
];

export interface GitChange {
  /** From the top of the repository, with `/`. */
  readonly path: string;
  /** Null when the file was deleted. */
  readonly blob: string | null;
  /** The path did not exist before. */
  readonly isNew: boolean;
}

export interface GitCommit {
  readonly hash: string;
  readonly parents: readonly string[];
  /** When it entered the branch: the committer's time. */
  readonly at: Timestamp;
  /** Written at another time than committed: rebased or picked, as forges do when they merge by rebasing. */
  readonly isRewritten: boolean;
  /** `Name <address>`, by the mailmap. */
  readonly author: string;
  readonly changes: readonly GitChange[];
}

/** Where a folder stands in its repository. */
export interface GitPlace {
  /** The folder that all calls run in. */
  readonly directory: string;
  readonly head: string;
  /**
   * Head of the default branch, when it is not ours: commits that it lacks are not published yet.
   * Null when there is no such branch, or it is the one we are on.
   */
  readonly published: string | null;
  readonly isShallow: boolean;
  /** Path of the folder from the top, ending in `/`; empty for the top itself. */
  readonly prefix: string;
}

/** Commits of HEAD that the default branch lacks. */
export async function readUnpublished(place: GitPlace, signal: AbortSignal): Promise<ReadonlySet<string>> {
  if (place.published === null) return new Set();
  const limit = `--max-count=${GIT_LIMITS.commitsMax}`;
  const result = await runGit(place.directory, ['rev-list', limit, place.head, `^${place.published}`], signal);
  if (result.kind === 'no_git' || result.status !== 0) throw gitFailed('rev-list', result);
  return new Set(result.stdout.toString('utf8').split('\n').filter(Boolean));
}

export interface LogOptions {
  /** Paths from the top of the repository; folders count with all below. */
  readonly paths: readonly string[];
  /** Only the line of first parents, where a merge holds all that it brought; else all commits but merges. */
  readonly walk: 'first_parent' | 'all_without_merges';
  readonly commitsMax?: number;
}

/** Oldest first. Only commits that changed one of the paths. */
export async function readGitLog(
  place: GitPlace,
  options: LogOptions,
  signal: AbortSignal,
): Promise<readonly GitCommit[]> {
  const walk =
    options.walk === 'first_parent'
      ? ['--first-parent', '--diff-merges=first-parent']
      : ['--full-history', '--no-merges'];
  const shape = ['--topo-order', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const top = await topOf(place, signal);
  const result = await runGit(
    top,
    [
      'log',
      ...shape,
      ...walk,
      `--max-count=${options.commitsMax ?? GIT_LIMITS.commitsMax}`,
      `--format=${FORMAT}`,
      place.head,
      '--',
      ...options.paths,
    ],
    signal,
  );
  if (result.kind === 'no_git' || result.status !== 0) throw gitFailed('log', result);
  return parseGitLog(result.stdout.toString('utf8')).toReversed();
}

async function topOf(place: GitPlace, signal: AbortSignal): Promise<string> {
  if (place.prefix === '') return place.directory;
  const result = await runGit(place.directory, ['rev-parse', '--show-cdup'], signal);
  if (result.kind === 'no_git' || result.status !== 0) throw gitFailed('rev-parse', result);
  return `${place.directory}/${result.stdout.toString('utf8').trimEnd()}`;
}

const FORMAT = 'commit %H%n%P%n%ct%n%at%n%aN <%aE>';

/**
 * The tokens of `git log --raw -z`: a header per commit, and for each change `:modes blobs status`
 * followed by the path.
 */
export function parseGitLog(output: string): GitCommit[] {
  const commits: (GitCommit & { changes: GitChange[] })[] = [];
  const tokens = output.split('\0');
  for (let index = 0; index < tokens.length; index += 1) {
    const token = (tokens[index] ?? '').replace(/^\n+/, '');
    if (token.startsWith('commit ')) {
      const [hash = '', parents = '', seconds = '0', written = '0', author = ''] = token
        .slice('commit '.length)
        .split('\n');
      commits.push({
        hash,
        parents: parents.split(' ').filter(Boolean),
        at: timeOf(seconds),
        isRewritten: written !== seconds,
        author,
        changes: [],
      });
    } else if (token.startsWith(':')) {
      const [, mode = '', , blob = '', status = ''] = token.slice(1).split(' ');
      index += 1;
      const path = tokens[index] ?? '';
      // Regular files only: 160000 is a submodule, 120000 a symbolic link.
      const isFile = mode.startsWith('100');
      commits.at(-1)?.changes.push({ path, blob: status === 'D' || !isFile ? null : blob, isNew: status === 'A' });
    }
  }
  return commits;
}

function timeOf(seconds: string): Timestamp {
  // Git stores any number, and odd histories have dates that are none.
  return nearestTimestamp(/^-?\d{1,18}$/.test(seconds) ? BigInt(seconds) * 1_000_000_000n : 0n);
}

/**
 * Renames that brought files into `directory` in the given commits: new path → old path. One
 * process, whatever the number of commits.
 */
export async function readRenames(
  place: GitPlace,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const args = [
    'diff-tree',
    '--stdin',
    '-r',
    '-M',
    '-l400',
    '--raw',
    '-z',
    '--no-abbrev',
    '--diff-filter=R',
    '--no-commit-id',
    '-m',
  ];
  const result = await runGit(await topOf(place, signal), [...args, '--root'], signal, `${commits.join('\n')}\n`);
  if (result.kind === 'no_git' || result.status !== 0) throw gitFailed('diff-tree', result);
  const tokens = result.stdout.toString('utf8').split('\0');
  const renames = new Map<string, string>();
  for (let index = 0; index < tokens.length; index += 1) {
    if (tokens[index]?.startsWith(':') !== true) continue;
    const [from = '', to = ''] = [tokens[index + 1], tokens[index + 2]];
    renames.set(to, from);
    index += 2;
  }
  return renames;
}

/** Contents by blob id, each once, as they come. A blob over the limit, or missing, gives null. */
export async function readBlobs(
  place: GitPlace,
  blobs: readonly string[],
  signal: AbortSignal,
  each: (blob: string, content: Buffer | null) => void,
): Promise<void> {
  if (blobs.length === 0) return;
  const child = start(place.directory, ['cat-file', '--batch', '--buffer'], signal);
  const reader = new BatchReader(each);
  const ended = finished(child);
  // Looked at below; until then a failure must not count as unhandled.
  ended.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${blobs.join('\n')}\n`);
  // One chunk per turn of the event loop: reading contents takes time, and others wait meanwhile.
  for await (const chunk of child.stdout) reader.push(chunk as Buffer);
  const { status, stderr } = await ended.catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  if (status !== 0 && reader.answers < blobs.length) throw gitFailed('cat-file', { kind: 'ran', status, stderr });
}

/** Takes the answers of `git cat-file --batch` apart: `<id> blob <size>\n<content>\n`, or `<id> missing\n`. */
export class BatchReader {
  answers = 0;
  readonly #each: (blob: string, content: Buffer | null) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  #open: { readonly blob: string; readonly size: number; readonly tooLarge: boolean; left: number } | null = null;

  constructor(each: (blob: string, content: Buffer | null) => void) {
    this.#each = each;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#open === null ? this.#header(rest) : this.#content(rest, this.#open);
  }

  #header(chunk: Buffer): Buffer {
    const newline = chunk.indexOf(10);
    this.#hold(newline === -1 ? chunk : chunk.subarray(0, newline));
    if (newline === -1) return chunk.subarray(chunk.length);
    const [blob = '', type = '', size = '0'] = this.#take().toString('latin1').split(' ');
    if (type === 'missing' || type === 'ambiguous') {
      this.#answer(blob, null);
    } else {
      // One byte more than the content: the newline that ends the answer.
      const bytes = Number(size);
      this.#open = { blob, size: bytes, tooLarge: bytes > GIT_LIMITS.blobBytesMax || type !== 'blob', left: bytes + 1 };
    }
    return chunk.subarray(newline + 1);
  }

  #content(chunk: Buffer, open: { blob: string; size: number; tooLarge: boolean; left: number }): Buffer {
    const part = chunk.subarray(0, open.left);
    open.left -= part.length;
    if (!open.tooLarge) this.#hold(part);
    if (open.left === 0) {
      this.#open = null;
      this.#answer(open.blob, open.tooLarge ? null : this.#take().subarray(0, open.size));
    }
    return chunk.subarray(part.length);
  }

  #answer(blob: string, content: Buffer | null): void {
    this.answers += 1;
    this.#each(blob, content);
  }

  #hold(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
  }

  #take(): Buffer {
    const taken = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [];
    this.#held = 0;
    return taken;
  }
}

type Ran = { readonly kind: 'ran'; readonly status: number; readonly stdout: Buffer; readonly stderr: string };
export type RunResult = Ran | { readonly kind: 'no_git' };

function start(directory: string, args: readonly string[], signal: AbortSignal): ChildProcessWithoutNullStreams {
  const child = spawn('git', [...SAFE, ...args], { cwd: directory, signal, stdio: 'pipe' });
  // Node makes no pipes where no more files can be opened, and tells of it by an event that ends the process if nobody listens.
  if ((child as Partial<typeof child>).stdout === undefined) {
    child.on('error', () => undefined);
    throw new Fault('transient', 'git could not be started: this process has too many files open.', {
      hint: 'Raise its limit of open files (ulimit -n).',
    });
  }
  // Node's own limit goes on, and holds the process, where git could not be started at all.
  const tooLong = setTimeout(() => child.kill(), GIT_LIMITS.timeoutMs).unref();
  child.on('close', () => clearTimeout(tooLong));
  return child;
}

/** Resolves at the end of the process; rejects with ENOENT and aborts. */
function finished(child: ChildProcessWithoutNullStreams): Promise<{ status: number; stderr: string }> {
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 4_000) stderr += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // A process that was killed has no code; that is no success.
    child.on('close', (code) => resolve({ status: code ?? 1, stderr: stderr.trim() }));
  });
}

/** Resolves with whatever exit code. Rejects when `signal` aborts. */
export async function runGit(
  directory: string,
  args: readonly string[],
  signal: AbortSignal,
  input?: string,
): Promise<RunResult> {
  const child = start(directory, args, signal);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > GIT_LIMITS.outputBytesMax) child.kill();
    else chunks.push(chunk);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  try {
    const { status, stderr } = await finished(child);
    const tooMuch = bytes > GIT_LIMITS.outputBytesMax;
    return {
      kind: 'ran',
      status: tooMuch ? 1 : status,
      stdout: Buffer.concat(chunks),
      stderr: tooMuch ? `more than ${GIT_LIMITS.outputBytesMax} bytes of output` : stderr,
    };
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'no_git' };
    throw error;
  }
}

function gitFailed(
  command: string,
  result: { kind: 'no_git' } | { kind: 'ran'; status: number; stderr: string },
): Fault {
  const reason = result.kind === 'no_git' ? 'there is no git program' : result.stderr || `status ${result.status}`;
  return new Fault('transient', `git ${command} failed: ${reason}.`, {
    hint: 'Run the same command in the registry folder.',
  });
}
