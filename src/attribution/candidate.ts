/** A variant that a text or a chat is an instance of, and which of several such variants to believe. */

import type { AttributionMatch, TieReason } from '../contract/attribution.ts';
import type { PromptSettings } from '../contract/prompt.ts';
import { equalMatch, renderedMatch, repeatsAgree } from './match-result.ts';
import type { MatchedMessage } from './match-result.ts';
import type { RegisteredVariant } from './registered-variants.ts';
import { settingsDiffer } from './settings.ts';

export interface Candidate {
  readonly variant: RegisteredVariant;
  /** Set where the text is the registered text itself, with the strictest hash that is equal. */
  readonly hash: AttributionMatch['hash'];
  /** Where it is a render: the messages that were found. */
  readonly messages: readonly MatchedMessage[];
}

export function matchOf({ variant, hash, messages }: Candidate): AttributionMatch {
  return hash === null ? renderedMatch(variant.name, messages) : equalMatch(variant, hash);
}

const HASH_RANK = { strict: 3, transport: 2, cosmetic: 1 } as const;

/** Positive if `a` is the better evidence: an equal text, then more literal bytes, then fewer gaps. */
function compareCandidates(a: Candidate, b: Candidate): number {
  const rank = ({ hash }: Candidate): number => (hash === null ? 0 : HASH_RANK[hash]);
  return rank(a) - rank(b) || literalBytesOf(a) - literalBytesOf(b) || gapsOf(b) - gapsOf(a);
}

export function literalBytesOf(candidate: Candidate): number {
  return candidate.messages.reduce((sum, { pattern }) => sum + pattern.literalBytes, 0);
}

function gapsOf(candidate: Candidate): number {
  return candidate.messages.reduce((sum, { pattern }) => sum + pattern.gaps, 0);
}

/** All that are as good as the best. */
export function bestCandidates(candidates: readonly Candidate[]): Candidate[] {
  let best: Candidate[] = [];
  for (const candidate of candidates) {
    const [leader] = best;
    const rank = leader === undefined ? 1 : compareCandidates(candidate, leader);
    if (rank > 0) best = [candidate];
    else if (rank === 0) best.push(candidate);
  }
  return best;
}

/** All of them, the best evidence first, each version once. */
export function rankedCandidates(candidates: readonly Candidate[]): Candidate[] {
  return onePerVersion(candidates.toSorted((a, b) => compareCandidates(b, a)));
}

export interface TieBreakers {
  readonly prompt?: string | undefined;
  readonly settings?: PromptSettings | undefined;
}

export interface TieDecision {
  readonly left: readonly Candidate[];
  /** Equally good ones that were set aside, and why. */
  readonly others: readonly Candidate[];
  readonly because: readonly TieReason[];
}

const NOTHING: readonly never[] = [];

/**
 * Of equally good candidates those that also agree with what else is known: the declared prompt,
 * the same value wherever a variable is repeated, model, parameters and tools. A criterion that
 * nobody meets is no criterion. One candidate for each version is left.
 */
export function breakTies(tied: readonly Candidate[], known: TieBreakers): TieDecision {
  if (tied.length <= 1) return { left: tied, others: NOTHING, because: NOTHING };
  const { prompt, settings } = known;
  let left = tied;
  const because: TieReason[] = [];
  const prefer = (reason: TieReason, meets: (candidate: Candidate) => boolean): void => {
    const meeting = left.filter(meets);
    if (meeting.length === 0 || meeting.length === left.length) return;
    left = meeting;
    because.push(reason);
  };
  if (prompt !== undefined) prefer('declared_prompt', ({ variant }) => variant.version.prompt === prompt);
  prefer('repeated_variables', ({ messages }) => messages.every(({ pattern, bytes }) => repeatsAgree(pattern, bytes)));
  if (settings !== undefined) prefer('settings', ({ variant }) => !settingsDiffer(variant.variant.settings, settings));
  const chosen = onePerVersion(left);
  if (because.length === 0) return { left: chosen, others: NOTHING, because };
  const versions = new Set(chosen.map(({ variant }) => variant.version));
  const others = onePerVersion(tied.filter(({ variant }) => !versions.has(variant.version)));
  // Several variants of one version are no tie.
  return { left: chosen, others, because: others.length === 0 ? NOTHING : because };
}

function onePerVersion(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<unknown>();
  return candidates.filter(({ variant }) => {
    if (seen.has(variant.version)) return false;
    seen.add(variant.version);
    return true;
  });
}
