/** What looking through a source found, in the form that `plumbline discover` prints. */

import type { TargetEntry } from '../config/edit-targets.ts';
import type { LockResult } from './context.ts';

/**
 * `watched`: it has a target already. `matched`: its text is a registered version. `edited`: it
 * belongs to a registered prompt, and its text is none of its versions. `ambiguous`: it may belong to
 * several prompts, or another place of this source has that prompt. `unregistered`: nobody registered it.
 */
export type FoundStatus = 'watched' | 'matched' | 'edited' | 'ambiguous' | 'unregistered';

export interface FoundPrompt {
  /** What the source calls it. */
  readonly name: string;
  readonly status: FoundStatus;
  readonly prompt: string | null;
  /** The registered version whose text it holds. */
  readonly version: string | null;
  readonly words: string;
  /** The target that would be added; null when there is one, or none is proposed. */
  readonly target: TargetEntry | null;
}

export interface DiscoveryReport {
  readonly source: string;
  readonly environment: string;
  readonly found: readonly FoundPrompt[];
  /** What would be registered, and in which file. */
  readonly prompts: readonly { readonly prompt: string; readonly file: string }[];
  readonly pins: LockResult['changes'];
  readonly notes: readonly string[];
}

export interface Discovery {
  readonly report: DiscoveryReport;
  /** Writes the prompts, the targets into the configuration and the pins into the lockfile. Says which files were written. */
  readonly write: () => Promise<readonly string[]>;
}
