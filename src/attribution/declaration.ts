/** What the emitter says about its prompt, and whether the text agrees. Looks only at what was declared. */

import type { AttributionQuery } from '../contract/attribution.ts';
import type { PromptMessage } from '../contract/prompt.ts';
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
  /** How the text is an instance of what was declared; null if it is not, or nothing was captured. */
  readonly supportedBy: Candidate | null;
  /** True only if there is a text, what was declared can be compared with it, and it does not fit. */
  readonly isContradicted: boolean;
}

/** `conversation` is null where no content was captured. */
export function declarationOf(
  query: AttributionQuery,
  registered: RegisteredVariants,
  conversation: readonly PromptMessage[] | null,
): Declaration | null {
  if (query.declared === undefined) return null;
  const { prompt, version } = query.declared;
  const ofVersion = version === undefined ? [] : registered.ofVersion(prompt, version);
  // A version that is not registered may be a label: then only the prompt can be checked.
  const variants = ofVersion.length > 0 ? ofVersion : registered.ofPrompt(prompt);
  const name = ofVersion.length > 0 && version !== undefined ? versionName(prompt, version) : prompt;
  if (conversation === null) return { prompt, name, variants: ofVersion, supportedBy: null, isContradicted: false };
  const candidates = variants.flatMap((variant) => candidateOf(variant, conversation) ?? []);
  const [supportedBy = null] = bestCandidates(candidates);
  const canBeCompared = variants.length > 0 && variants.every(({ messages }) => messages.every(isComparable));
  return { prompt, name, variants, supportedBy, isContradicted: canBeCompared && supportedBy === null };
}

function isComparable(message: RegisteredMessage): boolean {
  return message.problem === null;
}

function candidateOf(variant: RegisteredVariant, conversation: readonly PromptMessage[]): Candidate | null {
  const hits = conversation.flatMap(({ content }, at) => {
    const forms = [...new Set([content.trim(), normaliseTransport(content)])].map(toByteString);
    return variant.messages.flatMap((registered, message) =>
      forms.flatMap((bytes) => hitsOf(registered, bytes, at, message)),
    );
  });
  const candidate = candidateOfHits(variant, hits, conversation);
  if (candidate !== null) return candidate;
  return variant.messages.every(({ fitsAnything }) => fitsAnything) ? { variant, hash: null, messages: [] } : null;
}

function hitsOf(registered: RegisteredMessage, bytes: string, at: number, message: number): MessageHit[] {
  const isEqual = toByteString(registered.content.trim()) === bytes;
  const hits = registered.patterns
    .filter((pattern) => matches(pattern, bytes))
    .map((pattern): MessageHit => ({ at, message, matched: { pattern, bytes }, isEqual }));
  return hits.length === 0 && isEqual ? [{ at, message, matched: null, isEqual }] : hits;
}
