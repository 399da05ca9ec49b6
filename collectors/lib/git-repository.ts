/** A Git repository as a source sees it: its directory when it is local, a bare copy in the cache when it is not. */

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '../../src/contract/fault.ts';
import type { SourceContext } from '../../src/contract/source.ts';
import { Gate } from '../../src/lib/gate.ts';
import { runGit, type GitAnswer } from './run-git.ts';

export interface RepositoryConfig {
  readonly repository: string;
  readonly ref: string;
  readonly username: string;
  readonly token?: string | undefined;
}

export interface NewCommit {
  readonly path: string;
  readonly text: string;
  readonly message: string;
  /** `Name <address>`. */
  readonly author: string;
}

const LIVE_REF = 'refs/plumbline/live';
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const BLOB_BYTES_MAX = 4 * 1024 * 1024;

/** A poll and a restore may want the same copy at once, and git does not wait for a lock that another has. */
const copying = new Map<string, Gate>();

function gateOf(directory: string): Gate {
  const gate = copying.get(directory) ?? new Gate(1);
  copying.set(directory, gate);
  return gate;
}

/** One read's view of the repository: its directory when it is local, a bare copy when it is not. */
export class Repository {
  readonly ref: string;
  readonly #config: RepositoryConfig;
  readonly #context: SourceContext;
  readonly #signal: AbortSignal;
  readonly #isRemote: boolean;
  readonly #directory: string;

  constructor(config: RepositoryConfig, context: SourceContext, signal: AbortSignal) {
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
    if (this.#isRemote) await gateOf(this.#directory).run(() => this.#copy(commit), this.#signal);
  }

  async #copy(commit: string): Promise<void> {
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
    const entry = await this.#entry(commit, path);
    if (entry === null) return null;
    if (entry['type'] !== 'blob' || entry['mode'] === '120000') throw new Fault('permanent', `${path} is not a file.`);
    if (Number(entry['size']) > BLOB_BYTES_MAX) throw new Fault('permanent', `${path} is larger than 4 MiB.`);
    const bytes = await this.#ok(['cat-file', 'blob', entry['object'] ?? ''], `${path} can not be read`);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Fault('permanent', `${path} is not UTF-8 text.`);
    }
  }

  /** The files below a directory, which ends with a slash or is empty, but not what begins with a dot. */
  async list(commit: string, directory: string): Promise<readonly string[]> {
    const listing = await this.#ok(
      ['ls-tree', '-r', '-z', '--full-tree', '--name-only', commit, ...(directory === '' ? [] : ['--', directory])],
      'The commit can not be read',
    );
    return listing
      .toString()
      .split('\0')
      .filter((path) => path !== '' && !/(^|\/)\./.test(path));
  }

  /** The last commit that touched the file; null when the history at hand does not tell. */
  async lastChange(commit: string, path: string) {
    // The committer's time is when it entered this history; an author's time may be much older.
    const answer = await this.#run(['log', '-1', '--format=%H%x00%an <%ae>%x00%cI', commit, '--', path]);
    const [id, author, committedAt] = answer.stdout.toString().trim().split('\0');
    if (answer.exitCode !== 0 || id === undefined || author === undefined) return null;
    return { commit: id, author, committedAt };
  }

  /**
   * Adds a commit with one changed file on top of `parent`, and moves the branch to it. False when
   * the branch is no longer at `parent`: then nothing was written.
   */
  async commitOn(parent: string, { path, text, message, author }: NewCommit): Promise<boolean> {
    const branch = await this.#branch();
    const mode = (await this.#entry(parent, path))?.['mode'] ?? '100644';
    const made = `refs/plumbline/restore-${randomUUID()}`;
    const file = `M ${mode} inline ${quoted(path.replace(/^\.\//, ''))}\n${data(text)}`;
    const input = `commit ${made}\ncommitter ${author} now\n${data(message)}from ${parent}\n${file}\n`;
    try {
      const imported = await this.#run(['fast-import', '--quiet', '--date-format=now'], input);
      if (imported.exitCode !== 0) throw this.#fault('The commit can not be made', imported);
      // The branch moves only from where it was read, whatever it holds now.
      const lease = `--force-with-lease=${branch}:${parent}`;
      const remote = this.#isRemote ? this.#config.repository : '.';
      const pushed = await this.#run(['push', '--quiet', '--no-verify', lease, '--', remote, `${made}:${branch}`]);
      if (pushed.exitCode === 0) return true;
      if ((await this.resolveRef()) !== parent) return false;
      throw new Fault('permanent', `${this.#shownAddress()} does not take the commit: ${pushed.complaint}.`, {
        hint: 'Nothing was written. Is the branch protected, or checked out there?',
      });
    } finally {
      await this.#run(['update-ref', '-d', made]).catch(() => undefined);
    }
  }

  /** The branch that the ref names: nothing else can be moved. */
  async #branch(): Promise<string> {
    const { ref } = this;
    const name = this.#isRemote
      ? (await this.#remoteRef())?.name
      : (await this.#run(['rev-parse', '--symbolic-full-name', '--verify', '--quiet', ref])).stdout.toString().trim();
    if (name?.startsWith('refs/heads/') === true) return name;
    throw new Fault('permanent', `${ref} is no branch, so nothing can be committed to it.`, {
      hint: 'Name the branch in `ref`.',
    });
  }

  async #entry(commit: string, path: string): Promise<Readonly<Record<string, string>> | null> {
    const listing = await this.#ok(
      ['ls-tree', '-z', '--full-tree', '-l', commit, '--', path],
      'The commit can not be read',
    );
    const entry = /^(?<mode>\d+) (?<type>\w+) (?<object>[0-9a-f]+) +(?<size>\d+|-)\t(?<name>[^\0]*)\0/.exec(
      listing.toString(),
    )?.groups;
    return entry?.['name'] === path.replace(/^\.\//, '') ? entry : null;
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

  #run(args: readonly string[], input?: string): Promise<GitAnswer> {
    return this.#runIn(this.#directory, args, input);
  }

  #runIn(directory: string, args: readonly string[], input?: string): Promise<GitAnswer> {
    const { repository, username, token } = this.#config;
    const isHttp = /^https?:\/\//.test(repository);
    const credentials = Buffer.from(`${username}:${token ?? ''}`).toString('base64');
    return runGit(['-C', directory, ...args], {
      signal: this.#signal,
      input,
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

/** A text and a path as `fast-import` reads them. */
function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
