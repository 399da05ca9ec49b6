/** Tells that somebody removed the data directory under the daemon, or put another in its place: nothing is stored then. */

import { resolve } from 'node:path';
import type { Component } from '../contract/component.ts';
import { TroubleLog, type TellLog } from '../lib/trouble-log.ts';
import { Claim } from '../store/engine/data-directory.ts';

const LOOK_EVERY_MS = 5_000;
const GONE = 'gone';

export class DirectoryWatch implements Component {
  readonly name = 'data directory';
  readonly #directory: string;
  readonly #store: 'embedded' | 'server';
  #claim: Claim | null = null;
  readonly #troubles: TroubleLog;
  #timer: NodeJS.Timeout | null = null;
  #isGone = false;

  constructor(directory: string, store: 'embedded' | 'server', log: TellLog) {
    this.#directory = directory;
    this.#store = store;
    this.#troubles = new TroubleLog(log);
  }

  /** False once it is certain that it is gone. */
  get isThere(): boolean {
    return this.#claim?.isHeld() !== false;
  }

  get problem(): string | null {
    this.#look();
    return this.#isGone ? this.#problem : null;
  }

  /** For the daemon's last words; null where the directory was there to the end. */
  get loss(): string | null {
    return this.#isGone ? `${this.#what}. Nothing was stored since.` : null;
  }

  get #problem(): string {
    return `${this.#what}: nothing is stored. Move it back, and what is at its place now out of the way; with a copy, or to begin with an empty one, restart the daemon.`;
  }

  get #what(): string {
    return `The data directory ${resolve(this.#directory)} was removed or replaced while the daemon used it`;
  }

  /** When the directory is claimed. */
  async start(): Promise<void> {
    this.#claim = new Claim(this.#directory, this.#store);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    const isThere = this.#claim?.isHeld() ?? null;
    if (isThere === null) return;
    this.#isGone = !isThere;
    if (isThere) this.#troubles.over(GONE, 'the data directory is back');
    else
      this.#troubles.failed(GONE, {
        level: 'error',
        message: this.#problem,
        reason: 'what this process has locked is not there',
      });
  }
}
