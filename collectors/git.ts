/**
 * A file at a ref of a local or remote Git repository. Reads only: the way back is a commit that is
 * reviewed like any other, so there is no restore.
 */

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, Source, SourceContext, SourceTarget } from '../src/contract/source.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { readEach } from './lib/read-each.ts';
import { runGit, type GitAnswer } from './lib/run-git.ts';
import { secret } from './lib/secret.ts';
import { readingOfText } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  /** A directory, or an address that git understands. */
  repository: z.string().regex(/^[^-]/, 'must not start with -'),
  /** Branch, tag, full ref or full commit id. */
  ref: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._/@+-]*$/, 'is not a branch, tag or commit')
    .default('HEAD'),
  /** For https. */
  username: z.string().min(1).default('x-access-token'),
  token: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  path: z.string().min(1),
  /** Where in a YAML or JSON file the prompt is. Absent: the whole file. */
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const LIVE_REF = 'refs/plumbline/live';
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const BLOB_BYTES_MAX = 4 * 1024 * 1024;

export const git = sourcePlugin({
  type: 'git',
  summary: 'A file, or a field of one, at a branch or tag of a local or remote Git repository.',
  config: Config,
  target: Target,
  example: {
    config: { repository: 'https://git.example.com/team/prompts.git', ref: 'main', token: 'env:GIT_TOKEN' },
    targets: [{ path: 'support/intent-classifier.txt' }, { path: 'prompts.yaml', field: 'intent.template' }],
  },
  create: (config, context): Source<Target> => ({
    live: {
      read: (targets, known, signal) => readAll(new Repository(config, context, signal), targets, known, signal),
    },
  }),
});

async function* readAll(
  repository: Repository,
  targets: readonly SourceTarget<Target>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
): AsyncIterable<Reading> {
  const commit = await repository.resolveRef();
  if (commit === null) {
    for (const { id } of targets) {
      yield { outcome: 'missing', target: id, reason: `The repository has no ${repository.ref}.` };
    }
    return;
  }
  // A commit never changes, so neither does any file in it.
  const isKnown = (target: SourceTarget<Target>): boolean => known.get(target.id) === commit;
  for (const { id } of targets.filter(isKnown)) yield { outcome: 'unchanged', target: id };
  const open = targets.filter((target) => !isKnown(target));
  if (open.length === 0) return;
  await repository.fetchCommit(commit);
  yield* readEach(open, signal, (target) => readTarget(repository, commit, target));
}

async function readTarget(repository: Repository, commit: string, target: SourceTarget<Target>): Promise<Reading> {
  const { path, field } = target.config;
  const text = await repository.readText(commit, path);
  if (text === null) return { outcome: 'missing', target: target.id, reason: `${repository.ref} has no ${path}.` };
  const last = await repository.lastChange(commit, path);
  const reading = readingOfText(target.id, path, text, field, {
    pointer: { name: repository.ref, value: commit },
    ...(last === null ? {} : { version: last.commit, editedBy: last.author, ...editedAt(last.committedAt) }),
  });
  return reading.outcome === 'held' ? { ...reading, cursor: commit } : reading;
}

/** One read's view of the repository: its directory when it is local, a bare copy when it is not. */
class Repository {
  readonly ref: string;
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #signal: AbortSignal;
  readonly #isRemote: boolean;
  readonly #directory: string;

  constructor(config: Config, context: SourceContext, signal: AbortSignal) {
    this.ref = config.ref;
    this.#config = config;
    this.#context = context;
    this.#signal = signal;
    this.#isRemote = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/|^[^/\\]+@[^/\\]+:/.test(config.repository);
    this.#directory = this.#isRemote
      ? join(context.cacheDirectory, 'repository.git')
      : resolve(context.baseDirectory, config.repository);
  }

  /** The commit the ref names now; null when the repository answered that it has no such ref. */
  async resolveRef(): Promise<string | null> {
    if (COMMIT.test(this.ref)) return this.ref;
    if (this.#isRemote) return (await this.#remoteRef())?.commit ?? null;
    await this.#ok(['rev-parse', '--git-dir'], `${this.#config.repository} is not a repository`);
    const answer = await this.#run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${this.ref}^{commit}`]);
    return answer.exitCode === 0 ? answer.stdout.toString().trim() : null;
  }

  /** Makes the commit readable here. Fetches commits and trees; file contents follow when they are read. */
  async fetchCommit(commit: string): Promise<void> {
    if (!this.#isRemote) return;
    await mkdir(this.#directory, { recursive: true });
    await this.#ok(['init', '--quiet', '--bare', '.'], 'The cache directory is not usable');
    await this.#ok(['config', 'remote.origin.url', this.#config.repository], 'The cache directory is not usable');
    if (
      (await this.#run(['rev-parse', '--verify', '--quiet', `${LIVE_REF}^{commit}`])).stdout.toString().trim() ===
      commit
    )
      return;
    const wanted = COMMIT.test(this.ref) ? this.ref : ((await this.#remoteRef())?.name ?? this.ref);
    const fetch = [
      'fetch',
      '--quiet',
      '--no-tags',
      '--force',
      '--filter=blob:none',
      'origin',
      `+${wanted}:${LIVE_REF}`,
    ];
    await this.#ok(fetch, `${this.#shownAddress()} could not be fetched`);
  }

  /** A file's text in a commit; null when the commit has no such file. */
  async readText(commit: string, path: string): Promise<string | null> {
    const listing = await this.#ok(
      ['ls-tree', '-z', '--full-tree', '-l', commit, '--', path],
      'The commit can not be read',
    );
    const entry = /^(?<mode>\d+) (?<type>\w+) (?<object>[0-9a-f]+) +(?<size>\d+|-)\t(?<name>[^\0]*)\0/.exec(
      listing.toString(),
    )?.groups;
    if (entry === undefined || entry['name'] !== path.replace(/^\.\//, '')) return null;
    if (entry['type'] !== 'blob' || entry['mode'] === '120000') throw new Fault('permanent', `${path} is not a file.`);
    if (Number(entry['size']) > BLOB_BYTES_MAX) throw new Fault('permanent', `${path} is larger than 4 MiB.`);
    const bytes = await this.#ok(['cat-file', 'blob', entry['object'] ?? ''], `${path} can not be read`);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Fault('permanent', `${path} is not UTF-8 text.`);
    }
  }

  /** The last commit that touched the file; null when the history at hand does not tell. */
  async lastChange(commit: string, path: string) {
    // The committer's time is when it entered this history; an author's time may be much older.
    const answer = await this.#run(['log', '-1', '--format=%H%x00%an <%ae>%x00%cI', commit, '--', path]);
    const [id, author, committedAt] = answer.stdout.toString().trim().split('\0');
    if (answer.exitCode !== 0 || id === undefined || author === undefined) return null;
    return { commit: id, author, committedAt };
  }

  async #remoteRef(): Promise<{ readonly name: string; readonly commit: string } | null> {
    const { ref } = this;
    const patterns =
      ref === 'HEAD' || ref.startsWith('refs/')
        ? [ref, `${ref}^{}`]
        : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/tags/${ref}^{}`];
    await mkdir(this.#context.cacheDirectory, { recursive: true });
    const answer = await this.#runIn(this.#context.cacheDirectory, [
      'ls-remote',
      '--quiet',
      '--',
      this.#config.repository,
      ...patterns,
    ]);
    if (answer.exitCode !== 0) throw this.#fault(`${this.#shownAddress()} did not answer`, answer);
    const commits = new Map(
      answer.stdout
        .toString()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([commit = '', name = '']) => [name, commit] as const),
    );
    for (const name of patterns) {
      // An annotated tag names a tag object; `^{}` is the commit it stands for.
      const commit = commits.get(`${name}^{}`) ?? commits.get(name);
      if (commit !== undefined) return { name, commit };
    }
    return null;
  }

  async #ok(args: readonly string[], words: string): Promise<Buffer> {
    const answer = await this.#run(args);
    if (answer.exitCode !== 0) throw this.#fault(words, answer);
    return answer.stdout;
  }

  #run(args: readonly string[]): Promise<GitAnswer> {
    return this.#runIn(this.#directory, args);
  }

  #runIn(directory: string, args: readonly string[]): Promise<GitAnswer> {
    const { repository, username, token } = this.#config;
    const isHttp = /^https?:\/\//.test(repository);
    const credentials = Buffer.from(`${username}:${token ?? ''}`).toString('base64');
    return runGit(['-C', directory, ...args], {
      signal: this.#signal,
      environment: this.#context.childEnvironment,
      authorization:
        token === undefined || !isHttp
          ? undefined
          : { origin: new URL(repository).origin, header: `Authorization: Basic ${credentials}` },
    });
  }

  #fault(words: string, answer: GitAnswer): Fault {
    return new Fault('transient', `${words}: ${answer.complaint}.`, {
      hint: 'Check the repository, the ref and the token.',
    });
  }

  /** The address without credentials that somebody may have written into it. */
  #shownAddress(): string {
    return this.#config.repository.replace(/\/\/[^/@\s]*@/, '//');
  }
}
