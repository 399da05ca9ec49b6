/** The configured registry as the daemon and the verbs need it: loaded again cheaply, tampering in one form. */

import type { Configuration } from '../../config/configuration.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { TamperedVersion } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { loadRegistry, type LoadedRegistry, type OtherRegistries, type RegistryOptions } from '../../registry/load.ts';
import type { TamperedInHistory } from '../../registry/records.ts';
import { displayBody } from '../../text/body.ts';
import type { RegistryLoad } from './registry-keeper.ts';

/** What sources hold, for a reader that asks none of them. */
const NOT_ASKED: OtherRegistries = { versions: [], revision: 'not asked', isComplete: false };

export function registryOptions(
  configuration: Configuration,
  signal: AbortSignal,
  others: OtherRegistries = NOT_ASKED,
): RegistryOptions {
  const { registryDirectories, registrySources, lockFile, baseDirectory } = configuration;
  const files = { roots: registryDirectories.map((folder) => ({ files: folder })), lockFile, baseDirectory, signal };
  return registrySources.length === 0 ? files : { ...files, others };
}

/** Loads what the configuration names; with the result of the last call, only what changed. */
export function loadConfiguredRegistry(
  configuration: Configuration,
  signal: AbortSignal,
  previous?: LoadedRegistry,
  others?: OtherRegistries,
): Promise<LoadedRegistry> {
  return loadRegistry(registryOptions(configuration, signal, others), previous);
}

/** What the daemon's registry is made of beside files. */
export interface SourcesHeld {
  readonly versions: readonly RegisteredVersion[];
  readonly unread: readonly string[];
  /** Grows when anything of this changes. */
  readonly revision: number;
  readonly labels: RegistryLoad['labels'];
}

/** A loader that gives the same object again when nothing changed. */
export function registryLoader(
  configuration: Configuration,
  signal: AbortSignal,
  now: () => Timestamp,
  sources?: () => SourcesHeld,
): () => Promise<RegistryLoad> {
  let loaded: LoadedRegistry | undefined;
  let result: RegistryLoad | undefined;
  let revision = -1;
  return async () => {
    const held = sources?.();
    const others = held === undefined ? undefined : othersOf(held);
    const next = await loadConfiguredRegistry(configuration, signal, loaded, others);
    if (next === loaded && result !== undefined && (held === undefined || held.revision === revision)) return result;
    loaded = next;
    revision = held?.revision ?? -1;
    const { snapshot, problems, notes, warnings, tampered } = next;
    const merged = mergeRegistries(snapshot.versions, held?.versions ?? []);
    result = {
      snapshot: { versions: merged.versions, pins: snapshot.pins },
      unread: held?.unread ?? [],
      problems,
      notes: [...notes, ...merged.notes],
      warnings,
      // A change that was taken back is history and no longer wrong.
      tampered: tampered.filter((version) => version.stillThere).map((version) => asTampered(version, now())),
      // A lockfile that can't be understood says nothing, and must not count as an empty one.
      rules: configuration.lockFile === null || next.locked === null ? [] : ['lockfile'],
      ...(held?.labels === undefined ? {} : { labels: held.labels }),
    };
    return result;
  };
}

function othersOf({ versions, unread, revision }: SourcesHeld): OtherRegistries {
  return { versions, revision: String(revision), isComplete: unread.length === 0 };
}

/** One prompt, one registry: two that number the same name differently would contradict each other. */
export function mergeRegistries(
  files: readonly RegisteredVersion[],
  sources: readonly RegisteredVersion[],
): { readonly versions: readonly RegisteredVersion[]; readonly notes: readonly string[] } {
  const registryOf = new Map(files.map((version) => [version.prompt, version.registry]));
  const notes = new Set<string>();
  const others = sources.filter(({ prompt, registry }) => {
    const first = registryOf.get(prompt) ?? registry;
    registryOf.set(prompt, first);
    if (first !== registry) notes.add(`${registry} holds ${prompt} too; ${first} is its registry.`);
    return first === registry;
  });
  return { versions: [...files, ...others], notes: [...notes] };
}

function asTampered({ prompt, version, first, later }: TamperedInHistory, now: Timestamp): TamperedVersion {
  const at = first.registeredAt ?? now;
  return {
    prompt,
    version,
    registry: first.registry,
    firstSeen: { hash: first.variants[0].hashes.strict, at, text: textOf(first) },
    intactAt: at,
    now: { hash: later.variants[0].hashes.strict, text: textOf(later), version: later },
  };
}

function textOf(version: RegisteredVersion): string {
  return displayBody(version.variants[0].body);
}
