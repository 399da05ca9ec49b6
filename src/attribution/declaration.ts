/** What the emitter says about its prompt, and whether the text agrees. Looks only at what was declared. */

import type { AttributionQuery } from '../contract/attribution.ts';
import type { PromptMessage } from '../contract/prompt.ts';
import { GenerationalCache } from '../lib/generational-cache.ts';
import { normaliseTransport } from '../text/hashes.ts';
import { toByteString } from './byte-string.ts';
import { bestCandidates } from './candidate.ts';
import type { Candidate } from './candidate.ts';
import { candidateOfHits } from './chat-match.ts';
import type { MessageHit } from './chat-match.ts';
import { matches } from './indexed-pattern.ts';
import type { RegisteredMessage, RegisteredVariant, RegisteredVariants } from './registered-variants.ts';
import { versionName } from './words.ts';

export interface Declaration {
  readonly prompt: string;
  /** As it is written in sentences. */
  readonly name: string;
  /** The declared version, if it is registered; where only the prompt was declared, its versions. */
  readonly variants: readonly RegisteredVariant[];
  /** How the text is an instance of what was declared, all equally good ways; none if it is not, or nothing was captured. */
  readonly supportedBy: readonly Candidate[];
  /** True only if there is a text, what was declared is registered, and the text does not fit it. */
  readonly isContradicted: boolean;
}

/** Hits in texts that were compared before, so that a text that repeats is compared once; null: none are kept. */
export type KnownHits = GenerationalCache<string, readonly MessageHit[]> | null;

export const KNOWN_HITS_CHARACTERS_MAX = 1 << 23;

/**
 * `conversation` is null where no content was captured. `found`: what the index knows it to be; what
 * was declared is compared by itself only if it is not among that.
 */
export function declarationOf(
  query: AttributionQuery,
  registered: RegisteredVariants,
  conversation: readonly PromptMessage[] | null,
  found: readonly Candidate[],
  known: KnownHits,
): Declaration | null {
  if (query.declared === undefined) return null;
  const { prompt, version } = query.declared;
  const ofVersion = version === undefined ? [] : registered.ofVersion(prompt, version);
  // A version that is not registered may be a label: then only the prompt can be checked.
  const variants = ofVersion.length > 0 ? ofVersion : registered.ofPrompt(prompt);
  const name = ofVersion.length > 0 && version !== undefined ? versionName(prompt, version) : prompt;
  if (conversation === null) return { prompt, name, variants: ofVersion, supportedBy: [], isContradicted: false };
  const indexed = found.filter(({ variant }) => variants.includes(variant));
  const candidates = indexed.length > 0 ? indexed : compare(variants, conversation, known);
  // Of several versions one that fits anything is not what a text that fits no other must be.
  const isOpen = candidates.length === 0 && (ofVersion.length > 0 || variants.every(isOpaque));
  const supportedBy = isOpen ? variants.filter(isOpaque).map(opaqueCandidate) : bestCandidates(candidates);
  return { prompt, name, variants, supportedBy, isContradicted: variants.length > 0 && supportedBy.length === 0 };
}

function compare(
  variants: readonly RegisteredVariant[],
  conversation: readonly PromptMessage[],
  known: KnownHits,
): Candidate[] {
  return variants.flatMap((variant) => {
    const hits = conversation.flatMap(({ content }, at) =>
      hitsIn(variant, content, known).map((hit) => (hit.at === at ? hit : { ...hit, at })),
    );
    return candidateOfHits(variant, hits, conversation) ?? [];
  });
}

/** A version of nothing but variables, or of what can't be compiled, is not contradicted by anything. */
function isOpaque({ messages }: RegisteredVariant): boolean {
  return messages.every(({ fitsAnything }) => fitsAnything);
}

function opaqueCandidate(variant: RegisteredVariant): Candidate {
  return { variant, hash: null, messages: [] };
}

/** Their place in the conversation is the first. */
function hitsIn(variant: RegisteredVariant, content: string, known: KnownHits): readonly MessageHit[] {
  const key = `${variant.number}\n${content}`;
  const before = known?.get(key, key.length);
  if (before !== undefined) return before;
  const forms = [...new Set([content.trim(), normaliseTransport(content)])].map(toByteString);
  const hits = variant.messages.flatMap((registered, message) =>
    forms.flatMap((bytes) => hitsOf(registered, bytes, 0, message)),
  );
  known?.set(key, hits, key.length);
  return hits;
}

function hitsOf(registered: RegisteredMessage, bytes: string, at: number, message: number): MessageHit[] {
  const isEqual = toByteString(registered.content.trim()) === bytes;
  const hits = registered.patterns
    .filter((pattern) => matches(pattern, bytes))
    .map((pattern): MessageHit => ({ at, message, matched: { pattern, bytes }, isEqual }));
  return hits.length === 0 && isEqual ? [{ at, message, matched: null, isEqual }] : hits;
}
