/**
 * What one source has registered: its history as versions, read on from where the last reading
 * stopped. Keeps no timer and writes nothing; a reading that fails keeps all that was known.
 */

import { describeError, Fault } from '../../contract/fault.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { VersionsPower } from '../../contract/source.ts';
import { canonicalJson } from '../../lib/json.ts';

/** Ten thousand prompts with ten versions each; a registry that holds more is watched in parts. */
const VERSIONS_MAX = 100_000;

export class SourceRegistry {
  readonly name: string;
  readonly #list: VersionsPower['list'];
  readonly #versions = new Map<string, RegisteredVersion>();
  #published: readonly RegisteredVersion[] = [];
  #cursor: string | null = null;
  #complete = false;
  #problem: string | null = null;
  #retryAfterMs: number | null = null;
  #failuresInARow = 0;
  #reading: Promise<boolean> | null = null;

  constructor(name: string, list: VersionsPower['list']) {
    this.name = name;
    this.#list = list;
  }

  /** Empty until it has been read to its end once: half a history would make good contents look edited. */
  get versions(): readonly RegisteredVersion[] {
    return this.#published;
  }

  /** False until it has been read to its end once. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Why the last reading failed, in words; null when it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  get failuresInARow(): number {
    return this.#failuresInARow;
  }

  /** How long the source asked to be left alone when it last failed. */
  get retryAfterMs(): number | null {
    return this.#retryAfterMs;
  }

  knows(prompt: string, version: string): boolean {
    return this.#versions.has(keyOf(prompt, version));
  }

  /** Reads what is new. Who asks during a reading waits for that one. True when there was something new; never rejects. */
  read(signal: AbortSignal): Promise<boolean> {
    this.#reading ??= this.#readOnce(signal).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readOnce(signal: AbortSignal): Promise<boolean> {
    let isNew = false;
    try {
      const isKnown = this.knows.bind(this);
      for await (const { version, cursor } of this.#list(this.#cursor, signal, isKnown)) {
        isNew = this.#take({ ...version, registry: this.name }) || isNew;
        this.#cursor = cursor;
      }
      isNew = isNew || !this.#complete;
      this.#complete = true;
      this.#problem = null;
      this.#failuresInARow = 0;
      this.#retryAfterMs = null;
    } catch (error) {
      if (signal.aborted) return false;
      this.#problem = describeError(error);
      this.#failuresInARow += 1;
      this.#retryAfterMs = error instanceof Fault ? (error.retryAfterMs ?? null) : null;
    }
    if (!isNew || !this.#complete) return false;
    this.#published = [...this.#versions.values()];
    return true;
  }

  /** True when this version is new, or not what it was. */
  #take(version: RegisteredVersion): boolean {
    const key = keyOf(version.prompt, version.version);
    const known = this.#versions.get(key);
    if (known !== undefined && canonicalJson(known) === canonicalJson(version)) return false;
    if (known === undefined && this.#versions.size >= VERSIONS_MAX) {
      throw new Fault('overloaded', `${this.name} holds more than ${VERSIONS_MAX} versions.`, {
        hint: 'Register a part of it, e.g. by a key that sees one project only.',
      });
    }
    this.#versions.set(key, version);
    return true;
  }
}

function keyOf(prompt: string, version: string): string {
  return `${prompt}\n${version}`;
}
