/** Since when each pin of the lockfile stands, and by whom, from the lockfile's Git history. */

import { basename } from 'node:path';
import type { Pin } from '../contract/prompt.ts';
import { parseYaml } from '../lib/yaml.ts';
import { authorsByBlob } from './git-history.ts';
import { readBlobs, readGitLog, type GitCommit, type GitPlace } from './git.ts';
import { LOCK_BYTES_MAX, lockedVersions, type LockedVersions, type WrittenPin } from './lockfile.ts';

const COMMITS_MAX = 5_000;
/** Read in portions, because most pins are explained by the newest commits. */
const PORTION = 100;

/**
 * The same pins with `since` and `by` where Git knows them. A pin that is not committed keeps null.
 * `place` is the folder of the lockfile.
 */
export async function datePins(
  place: GitPlace,
  lockFile: string,
  pins: readonly WrittenPin[],
  signal: AbortSignal,
): Promise<readonly WrittenPin[]> {
  const paths = [`${place.prefix}${basename(lockFile)}`];
  const commits = await readGitLog(place, { paths, walk: 'first_parent', commitsMax: COMMITS_MAX }, signal);
  const hasMerges = commits.some(({ parents }) => parents.length > 1);
  const all = hasMerges
    ? await readGitLog(place, { paths, walk: 'all_without_merges', commitsMax: COMMITS_MAX }, signal)
    : [];
  const authors = authorsByBlob(all);
  const dating = new PinDating(pins);
  const newestFirst = commits.toReversed();
  for (let start = 0; start < newestFirst.length && !dating.isDone; start += PORTION) {
    const portion = newestFirst.slice(start, start + PORTION);
    const blobs = new Map<string, LockedVersions>();
    await readBlobs(place, [...new Set(portion.flatMap(blobOf))], signal, (blob, content) => {
      blobs.set(blob, content === null ? new Map() : scanLockFile(content.toString('utf8')));
    });
    for (const commit of portion) {
      const [blob] = blobOf(commit);
      const author = (blob === undefined ? undefined : authors.get(blob)) ?? commit.author;
      dating.step(blob === undefined ? new Map() : (blobs.get(blob) ?? new Map()), { ...commit, author });
    }
  }
  // The oldest commit of a shallow clone is not where a pin came from.
  return dating.finish(!place.isShallow && commits.length < COMMITS_MAX);
}

function blobOf({ changes }: GitCommit): readonly string[] {
  return changes.flatMap(({ blob }) => blob ?? []);
}

interface Since {
  readonly at: Pin['since'];
  readonly by: string;
}

/** Walks back from now: a pin stands since the oldest commit of the unbroken row that holds it. */
export class PinDating {
  readonly #pins: readonly WrittenPin[];
  readonly #since = new Map<WrittenPin, Since>();
  readonly #open: Set<WrittenPin>;

  constructor(pins: readonly WrittenPin[]) {
    this.#pins = pins;
    this.#open = new Set(pins);
  }

  get isDone(): boolean {
    return this.#open.size === 0;
  }

  /** The lockfile as it was after `commit`; call from the newest to the oldest. */
  step(locked: LockedVersions, commit: Pick<GitCommit, 'at' | 'author'>): void {
    for (const pin of this.#open) {
      const same = locked.get(pin.environment)?.get(pin.prompt)?.version === pin.version;
      if (same) this.#since.set(pin, { at: commit.at, by: commit.author });
      else this.#open.delete(pin);
    }
  }

  finish(isComplete: boolean): readonly WrittenPin[] {
    return this.#pins.map((pin) => {
      const since = this.#since.get(pin);
      if (since === undefined || (this.#open.has(pin) && !isComplete)) return pin;
      return { ...pin, since: since.at, by: since.by };
    });
  }
}

const ENVIRONMENT_LINE = /^ {2}("[^"\\]+"|[A-Za-z0-9._-]+):(?: \{\})?$/;
const PIN_LINE = /^ {4}("[^"\\]+"|[A-Za-z0-9._/-]+): \{ version: ("[^"]+"|[\w.-]+), hash: "(sha256:[0-9a-f]{64})" \}$/;

/** As `plumbline lock` writes it, line by line; a file that people wrote goes through the YAML parser, 50 times slower. */
export function scanLockFile(text: string): LockedVersions {
  const environments = new Map<string, Map<string, { version: string; hash: null }>>();
  let pins: Map<string, { version: string; hash: null }> | null = null;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || line === 'environments:') continue;
    const pin = PIN_LINE.exec(line);
    const environment = ENVIRONMENT_LINE.exec(line);
    if (pin !== null && pins !== null) {
      pins.set(unquote(pin[1]), { version: unquote(pin[2]), hash: null });
    } else if (environment !== null) {
      pins = new Map();
      environments.set(unquote(environment[1]), pins);
    } else {
      return lockedVersions(parseYaml(text, '', LOCK_BYTES_MAX).value);
    }
  }
  return environments;
}

function unquote(text = ''): string {
  return text.startsWith('"') ? text.slice(1, -1) : text;
}
