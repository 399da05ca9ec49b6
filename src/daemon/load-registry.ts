/** The configured registry as the daemon and the verbs need it: loaded again cheaply, tampering in one form. */

import type { Configuration } from '../config/load.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import type { TamperedVersion } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { loadRegistry, type LoadedRegistry, type RegistryOptions } from '../registry/load.ts';
import type { TamperedInHistory } from '../registry/records.ts';
import { displayBody } from '../text/body.ts';
import type { RegistryLoad } from './registry-keeper.ts';

export function registryOptions(configuration: Configuration, signal: AbortSignal): RegistryOptions {
  const { registryDirectories, lockFile, baseDirectory } = configuration;
  return { roots: registryDirectories.map((files) => ({ files })), lockFile, baseDirectory, signal };
}

/** Loads what the configuration names; with the result of the last call, only what changed. */
export function loadConfiguredRegistry(
  configuration: Configuration,
  signal: AbortSignal,
  previous?: LoadedRegistry,
): Promise<LoadedRegistry> {
  return loadRegistry(registryOptions(configuration, signal), previous);
}

/** A loader that gives the same object again when nothing changed. */
export function registryLoader(
  configuration: Configuration,
  signal: AbortSignal,
  now: () => Timestamp,
): () => Promise<RegistryLoad> {
  let loaded: LoadedRegistry | undefined;
  let result: RegistryLoad | undefined;
  return async () => {
    const next = await loadConfiguredRegistry(configuration, signal, loaded);
    if (next === loaded && result !== undefined) return result;
    loaded = next;
    const { snapshot, problems, notes, tampered } = next;
    result = {
      snapshot,
      problems,
      notes,
      // A change that was taken back is history and no longer wrong.
      tampered: tampered.filter((version) => version.stillThere).map((version) => asTampered(version, now())),
      // A lockfile that can't be understood says nothing, and must not count as an empty one.
      rules: configuration.lockFile === null || next.locked === null ? [] : ['lockfile'],
    };
    return result;
  };
}

function asTampered({ prompt, version, first, later }: TamperedInHistory, now: Timestamp): TamperedVersion {
  return {
    prompt,
    version,
    registry: first.registry,
    firstSeen: { hash: first.variants[0].hashes.strict, at: first.registeredAt ?? now, text: textOf(first) },
    now: { hash: later.variants[0].hashes.strict, text: textOf(later), version: later },
  };
}

function textOf(version: RegisteredVersion): string {
  return displayBody(version.variants[0].body);
}
