/** All that is registered at one moment, indexed for the questions the daemon asks at every poll. */

import type { Pin, RegisteredVersion, RegistrySnapshot } from '../../contract/prompt.ts';
import type { Expected } from '../../drift/expected.ts';

const LOCKFILE = 'lockfile';

export class RegistryView {
  readonly snapshot: RegistrySnapshot;
  /** Registries of which nothing is in it, because they had not been read to their end. */
  readonly unread: readonly string[];
  readonly #versions: ReadonlyMap<string, readonly RegisteredVersion[]>;
  readonly #pins: ReadonlyMap<string, Pin>;

  constructor(snapshot: RegistrySnapshot, unread: readonly string[] = []) {
    this.snapshot = snapshot;
    this.unread = unread;
    this.#versions = Map.groupBy(snapshot.versions, (version) => version.prompt);
    // The last of a key stays: the one with most weight.
    this.#pins = new Map(snapshot.pins.toSorted(byWeight).map((pin) => [pinKey(pin.prompt, pin.environment), pin]));
  }

  versionsOf(prompt: string): readonly RegisteredVersion[] {
    return this.#versions.get(prompt) ?? [];
  }

  version(prompt: string, version: string): RegisteredVersion | null {
    return this.versionsOf(prompt).find((candidate) => candidate.version === version) ?? null;
  }

  pin(prompt: string, environment: string): Pin | null {
    return this.#pins.get(pinKey(prompt, environment)) ?? null;
  }

  /** What a prompt should be in an environment. */
  expected(prompt: string, environment: string): Expected {
    return { prompt, environment, pin: this.pin(prompt, environment), versions: this.versionsOf(prompt) };
  }

  /** Who is told about a prompt: the owner of its newest version. */
  ownerOf(prompt: string): string | null {
    return this.versionsOf(prompt).at(-1)?.owner ?? null;
  }
}

export const EMPTY_VIEW = new RegistryView({ versions: [], pins: [] });

/** The lockfile speaks first, then rules by name, as in the time machine; the one with most weight comes last. */
function byWeight(a: Pin, b: Pin): number {
  if (a.rule === b.rule) return 0;
  if (a.rule === LOCKFILE) return 1;
  if (b.rule === LOCKFILE) return -1;
  return a.rule < b.rule ? 1 : -1;
}

function pinKey(prompt: string, environment: string): string {
  return `${environment}\n${prompt}`;
}
