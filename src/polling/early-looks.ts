/** Gathers hints that targets may have changed, and fires once when they calm down: saving a file is several events. */

export class EarlyLooks {
  readonly #quietMs: number;
  readonly #longestMs: number;
  readonly #fire: (targets: ReadonlySet<string>) => void;
  #targets = new Set<string>();
  #quiet: NodeJS.Timeout | null = null;
  #longest: NodeJS.Timeout | null = null;

  constructor(quietMs: number, longestMs: number, fire: (targets: ReadonlySet<string>) => void) {
    this.#quietMs = quietMs;
    this.#longestMs = longestMs;
    this.#fire = fire;
  }

  hint(target: string): void {
    this.#targets.add(target);
    if (this.#quiet === null) this.#quiet = setTimeout(() => this.#go(), this.#quietMs);
    else this.#quiet.refresh();
    this.#longest ??= setTimeout(() => this.#go(), this.#longestMs);
  }

  stop(): void {
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    if (this.#longest !== null) clearTimeout(this.#longest);
    this.#quiet = null;
    this.#longest = null;
    this.#targets = new Set();
  }

  #go(): void {
    const targets = this.#targets;
    this.stop();
    this.#fire(targets);
  }
}
