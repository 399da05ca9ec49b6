/** What loading a registry said, in the form that the verbs print. */

import type { RegistrySnapshot } from '../contract/prompt.ts';
import type { Problem } from '../lib/problems.ts';

export interface RegistryReport {
  readonly snapshot: RegistrySnapshot;
  readonly problems: readonly Problem[];
  /** e.g. `no Git history: only the files as they are`. */
  readonly notes: readonly string[];
  readonly counts: {
    readonly files: number;
    readonly prompts: number;
    readonly components: number;
    readonly versions: number;
    readonly pins: number;
  };
}
