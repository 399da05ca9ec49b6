/** What the decisions about a held content share: the case they are given and the answer they give. Pure. */

import type { HeldObservation } from '../contract/observation.ts';
import type { PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence, Verdict } from '../contract/verdict.ts';
import type { ContentMatch } from './content-match.ts';
import type { Expected, Observed } from './expected.ts';
import type { SettingsChange } from './settings.ts';

export interface ContentCase {
  readonly expected: Expected;
  readonly observed: Observed;
  readonly held: HeldObservation;
  /** The versions of this prompt that hold this text. */
  readonly matches: readonly ContentMatch[];
  readonly pinned: RegisteredVersion | null;
}

export interface Decision {
  readonly verdict: Verdict;
  /** Stable name of the branch. */
  readonly reason: string;
  /** Ends the sentence `PROMPT in ENVIRONMENT …`. */
  readonly words: string;
  /** The registered version that the content is, if it is one. */
  readonly version: string | null;
  /** What the diff starts from; null when there is nothing to compare with. */
  readonly comparedWith: { readonly version: RegisteredVersion; readonly variant: PromptVariant } | null;
  readonly settings: readonly SettingsChange[];
  readonly evidence: readonly Evidence[];
}

/** A decision without a diff. */
export function decision(
  verdict: Verdict,
  reason: string,
  words: string,
  version: string | null,
  evidence: readonly Evidence[],
): Decision {
  return { verdict, reason, words, version, comparedWith: null, settings: [], evidence };
}
