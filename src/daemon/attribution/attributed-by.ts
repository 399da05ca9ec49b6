/**
 * What all stored calls have been attributed by: a restart need not go through the unknown ones
 * again when nothing has been registered or found live since. A file of ids in the data directory;
 * a missing or damaged one costs one more pass.
 */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export class AttributedBy {
  readonly #file: string;
  readonly #release: string;

  /** `release`: a later one may recognise more. */
  constructor(file: string, release: string) {
    this.#file = file;
    this.#release = release;
  }

  /** True when every one of these was there when a pass ended. */
  async covers(ids: ReadonlySet<string>): Promise<boolean> {
    const [release, ...lines] = (await readFile(this.#file, 'utf8').catch(() => '')).split('\n');
    if (release !== this.#release) return false;
    return ids.isSubsetOf(new Set(lines));
  }

  /** Whole or not at all. */
  async write(ids: ReadonlySet<string>): Promise<void> {
    const next = `${this.#file}.${process.pid}.tmp`;
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFile(next, [this.#release, ...ids].join('\n'));
    await rename(next, this.#file);
  }
}
