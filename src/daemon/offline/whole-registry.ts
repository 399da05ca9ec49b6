/** Everything that is registered, files and sources, read once and now: for verbs that run without the daemon. */

import type { Configuration } from '../../config/configuration.ts';
import { Fault } from '../../contract/fault.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { OpenSource } from '../../polling/source-config.ts';
import type { LoadedRegistry } from '../../registry/load.ts';
import { isVersion } from '../../registry/version-order.ts';
import { loadConfiguredRegistry, mergeRegistries } from '../registry/load-registry.ts';
import { SourceRegistry } from '../registry/source-registry.ts';

export interface WholeRegistry {
  readonly versions: readonly RegisteredVersion[];
  readonly locked: LoadedRegistry['locked'];
  readonly pins: LoadedRegistry['snapshot']['pins'];
  /** Prompts that `plumbline lock` may pin by itself: those whose newest version has a number. */
  readonly present: ReadonlySet<string>;
  readonly notes: readonly string[];
}

/** Throws a `Fault` when a source can't be read: half a registry would call good contents unregistered. */
export async function readWholeRegistry(
  configuration: Configuration,
  sources: readonly OpenSource[],
  signal: AbortSignal,
): Promise<WholeRegistry> {
  const registries = await Promise.all(configuration.registrySources.map((name) => readSource(name, sources, signal)));
  const told = registries.flat();
  const others = { versions: told, revision: 'once', isComplete: true };
  const files = await loadConfiguredRegistry(configuration, signal, undefined, others);
  const { versions, notes } = mergeRegistries(files.snapshot.versions, told);
  const numbered = told.filter(({ version }) => isVersion(version)).map(({ prompt }) => prompt);
  return {
    versions,
    locked: files.locked,
    pins: files.snapshot.pins,
    present: new Set([...files.present, ...numbered]),
    notes,
  };
}

async function readSource(
  name: string,
  sources: readonly OpenSource[],
  signal: AbortSignal,
): Promise<readonly RegisteredVersion[]> {
  const source = sources.find((candidate) => candidate.name === name);
  const versions = source?.source.versions;
  if (versions === undefined) throw new Fault('config', `registry names ${name}, which can't tell its history.`);
  const registry = new SourceRegistry(name, (since, aborted) => versions.list(since, aborted));
  await registry.read(signal);
  if (registry.problem === null) return registry.versions;
  throw new Fault('transient', `The history of ${name} can't be read: ${source?.redact(registry.problem) ?? ''}`, {
    hint: `\`plumbline doctor\` says more about ${name}.`,
  });
}
