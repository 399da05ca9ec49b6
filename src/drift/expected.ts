/** What the judge is given: what should be there, and what was found. Types and small readings of them; pure. */

import type { Attribution } from '../contract/attribution.ts';
import type { HeldObservation, Observation } from '../contract/observation.ts';
import type { ContentHash, Pin, PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import type { TimeInterval } from '../contract/time.ts';

/** What a prompt should be in one environment. */
export interface Expected {
  readonly prompt: string;
  readonly environment: string;
  /** Null: nothing is pinned, so any registered version will do. */
  readonly pin: Pin | null;
  /** All registered versions of this prompt, in the registry's order, oldest first. */
  readonly versions: readonly RegisteredVersion[];
}

/** What one look at one part of a target established, and what was found out about it. */
export interface Observed {
  readonly observation: Observation;
  /** The other parts of the same target, from the same reading. */
  readonly siblings: readonly HeldObservation[];
  /** The newest answered observation of this part before this one. */
  readonly previous: Observation | null;
  /** When the present content came, from `ObservationLog.changeInterval`; `[null, null]` if unknown. */
  readonly changed: TimeInterval;
  /**
   * What attribution says of the held text over the whole registry. Needed only when the content is
   * none of this prompt's versions (`needsAttribution`); null when it was not asked.
   */
  readonly attribution: Attribution | null;
}

export function pinnedVersion(expected: Expected): RegisteredVersion | null {
  const { pin } = expected;
  return pin === null ? null : (expected.versions.find((version) => version.version === pin.version) ?? null);
}

/** Who is told: the owner of the pinned version, else of the newest. */
export function ownerOf(expected: Expected): string | null {
  return (pinnedVersion(expected) ?? expected.versions.at(-1))?.owner ?? null;
}

/** The variant to compare with: the one for the reported model, else the default. */
export function variantFor(version: RegisteredVersion, model: string | undefined): PromptVariant {
  return version.variants.find((variant) => variant.model === model) ?? version.variants[0];
}

export function hasHash(version: RegisteredVersion, hash: ContentHash): boolean {
  return version.variants.some((variant) => variant.hashes.strict === hash);
}
