/**
 * Chats, message by message: which variants' messages stand in a conversation, in their order and
 * with their roles. What follows them is the conversation. Pure.
 */

import type { PromptMessage } from '../contract/prompt.ts';
import type { Candidate } from './candidate.ts';
import type { MatchedMessage } from './match-result.ts';
import type { RegisteredMessage, RegisteredVariant } from './registered-variants.ts';

/** A registered message that was found in a message of the conversation. */
export interface MessageHit {
  /** Place in the conversation. */
  readonly at: number;
  /** Which of the variant's messages. */
  readonly message: number;
  /** Null for a source that is no render of itself, such as one that could not be compiled. */
  readonly matched: MatchedMessage | null;
  /** Whether the text is the registered source itself. */
  readonly isEqual: boolean;
}

export function candidateOfHits(
  variant: RegisteredVariant,
  hits: readonly MessageHit[],
  conversation: readonly PromptMessage[],
): Candidate | null {
  if (variant.variant.body.kind === 'text') return bareTextCandidate(variant, hits, conversation);
  const isLoneText = conversation.length === 1 && conversation[0]?.role === '';
  const isOnlySystem = conversation.every(({ role }) => commonRole(role) === 'system');
  const matched: MessageHit[] = [];
  let after = -1;
  for (const [message, registered] of variant.messages.entries()) {
    const hit = firstHit(hits, message, after, registered, conversation);
    if (hit === undefined) {
      // Any message, also none or several, may stand for one that is only a variable.
      if (registered.fitsAnything) continue;
      // Emitters that capture the system prompt alone leave nothing to compare the rest with.
      if (isLoneText || (isOnlySystem && commonRole(registered.role) !== 'system')) continue;
      return null;
    }
    matched.push(hit);
    after = hit.at;
  }
  if (matched.length === 0) return null;
  const isWhole = matched.length === conversation.length && matched.length === variant.messages.length;
  return candidateOf(variant, matched, isWhole, conversation);
}

/** A bare text is somebody's instructions: as the system prompt, or as a user's message. */
function bareTextCandidate(
  variant: RegisteredVariant,
  hits: readonly MessageHit[],
  conversation: readonly PromptMessage[],
): Candidate | null {
  const instructions = hits.filter(({ at }) =>
    ['system', 'user', ''].includes(commonRole(conversation[at]?.role ?? '')),
  );
  const [best] = instructions.toSorted(byEvidence);
  return best === undefined ? null : candidateOf(variant, [best], true, conversation);
}

function candidateOf(
  variant: RegisteredVariant,
  hits: readonly MessageHit[],
  isWhole: boolean,
  conversation: readonly PromptMessage[],
): Candidate | null {
  const messages = hits.flatMap(({ matched }) => matched ?? []);
  if (isWhole && hits.every(({ isEqual }) => isEqual)) {
    const isStrict = hits.every(({ at, message }) => variant.messages[message]?.content === conversation[at]?.content);
    return { variant, hash: isStrict ? 'strict' : 'transport', messages: [] };
  }
  return messages.length === 0 ? null : { variant, hash: null, messages };
}

function firstHit(
  hits: readonly MessageHit[],
  message: number,
  after: number,
  registered: RegisteredMessage,
  conversation: readonly PromptMessage[],
): MessageHit | undefined {
  const fitting = hits.filter(
    (hit) => hit.message === message && hit.at > after && isSameRole(registered.role, conversation[hit.at]?.role ?? ''),
  );
  const at = Math.min(...fitting.map((hit) => hit.at));
  return fitting.filter((hit) => hit.at === at).toSorted(byEvidence)[0];
}

/** The source itself first, then the most literal bytes. */
function byEvidence(a: MessageHit, b: MessageHit): number {
  const rank = ({ isEqual, matched }: MessageHit): number => (isEqual ? 1e9 : 0) + (matched?.pattern.literalBytes ?? 0);
  return rank(b) - rank(a);
}

export function isSameRole(a: string, b: string): boolean {
  return a === '' || b === '' || commonRole(a) === commonRole(b);
}

const COMMON_ROLES: Readonly<Record<string, string>> = {
  developer: 'system',
  human: 'user',
  ai: 'assistant',
  model: 'assistant',
};

/** Providers call the same role by different names. */
export function commonRole(role: string): string {
  const lower = role.toLowerCase();
  return COMMON_ROLES[lower] ?? lower;
}
