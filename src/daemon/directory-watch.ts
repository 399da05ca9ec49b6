/**
 * Notices that somebody removed the data directory under the daemon, or put another in its place. The engine does not:
 * it makes the folders that it misses, and what it writes into them is found by nobody after a restart.
 */

import { resolve } from 'node:path';
import type { Component } from '../contract/component.ts';
import { TroubleLog, type TellLog } from '../lib/trouble-log.ts';
import { isStillClaimed } from '../store/engine/data-directory.ts';

const LOOK_EVERY_MS = 5_000;
const GONE = 'gone';

export class DirectoryWatch implements Component {
  readonly name = 'data directory';
  readonly #directory: string;
  readonly #troubles: TroubleLog;
  #timer: NodeJS.Timeout | null = null;
  #isGone = false;

  constructor(directory: string, log: TellLog) {
    this.#directory = directory;
    this.#troubles = new TroubleLog(log);
  }

  get problem(): string | null {
    return this.#isGone
      ? `${this.#what}: what is stored now is lost. Put it back, or restart the daemon to begin with an empty one.`
      : null;
  }

  /** For the daemon's last words; null where the directory was there to the end. */
  get loss(): string | null {
    return this.#isGone ? `${this.#what}. What was stored since is lost.` : null;
  }

  get #what(): string {
    return `The data directory ${resolve(this.#directory)} was removed or replaced while the daemon used it`;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.look();
  }

  async look(): Promise<void> {
    const isThere = await isStillClaimed(this.#directory);
    if (isThere === null) return;
    this.#isGone = !isThere;
    if (isThere) this.#troubles.over(GONE, 'the data directory is back');
    else
      this.#troubles.failed(GONE, {
        level: 'error',
        message: this.problem ?? '',
        reason: 'its owner.json is not ours',
      });
  }
}
