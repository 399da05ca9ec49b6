/**
 * Looks at how much memory the process holds: when it is nearly all, nothing more is taken until
 * there is less, and garbage is collected. Bounds alone would have to be small enough for the worst of all loads at once.
 */

import { readFileSync } from 'node:fs';
import type { Component } from '../../contract/component.ts';
import { letGoOfMemory } from '../../lib/let-go-of-memory.ts';

export interface MemoryWatchOptions {
  /** From so many bytes on memory is short, and until there are fewer than the second. */
  readonly shortBytes: number;
  readonly calmBytes: number;
  /** Told when memory becomes short, and when it is so no more. */
  readonly onShort: (isShort: boolean) => void;
  /** For tests. */
  readonly residentBytes?: () => number;
  readonly collect?: () => void;
}

// A load that fills memory at a gigabyte a second is met with a tenth of that to spare.
const LOOK_MS = 100;
// To go through the whole heap takes a tenth of a second or two: seldom enough for work to go on.
const LOOKS_PER_COLLECTION = 10;
// One that lasts is no moment's peak.
const LOOKS_UNTIL_PROBLEM = 100;

export class MemoryWatch implements Component {
  readonly name = 'memory-watch';
  readonly #options: MemoryWatchOptions;
  readonly #residentBytes: () => number;
  readonly #collect: () => void;
  #timer: NodeJS.Timeout | null = null;
  /** For how many looks in a row; 0 while it is not. */
  #short = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#residentBytes = options.residentBytes ?? anonymousBytes;
    this.#collect = options.collect ?? letGoOfMemory;
  }

  start(): Promise<void> {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    return Promise.resolve();
  }

  look(): void {
    const { shortBytes, calmBytes, onShort } = this.#options;
    const bytes = this.#residentBytes();
    const wasShort = this.#short > 0;
    const isShort = bytes >= (wasShort ? calmBytes : shortBytes);
    if (isShort !== wasShort) onShort(isShort);
    if (isShort && this.#short % LOOKS_PER_COLLECTION === 0) this.#collect();
    this.#short = isShort ? this.#short + 1 : 0;
  }

  /** In words, once it lasts. */
  get problem(): string | null {
    if (this.#short < LOOKS_UNTIL_PROBLEM) return null;
    return 'Memory is short: telemetry is refused, and senders told to come back. Raise the memory limit, or send less.';
  }
}

/** Of the process alone, and without files: those the kernel lets go of when it needs room, though it counts them as used. */
function anonymousBytes(): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not on Linux.
  }
  return process.memoryUsage.rss();
}
