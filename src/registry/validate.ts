/** What `plumbline validate` says about a registry. */

import type { Problem } from '../lib/problems.ts';
import { loadRegistry, type LoadedRegistry, type RegistryOptions } from './load.ts';

export interface RegistryReport {
  /** False when there is any problem. Notes and past tampering that was put right are no problems. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
  readonly counts: {
    readonly files: number;
    readonly prompts: number;
    readonly components: number;
    readonly versions: number;
    readonly pins: number;
  };
  readonly registry: LoadedRegistry;
}

export async function validateRegistry(options: RegistryOptions): Promise<RegistryReport> {
  const registry = await loadRegistry(options);
  const { versions, pins } = registry.snapshot;
  const ids = (isComponent: boolean): number =>
    new Set(versions.filter((version) => version.isComponent === isComponent).map(({ prompt }) => prompt)).size;
  return {
    ok: registry.problems.length === 0,
    problems: registry.problems,
    notes: registry.notes,
    counts: {
      files: registry.files.length,
      prompts: ids(false),
      components: ids(true),
      versions: versions.length,
      pins: pins.length,
    },
    registry,
  };
}
