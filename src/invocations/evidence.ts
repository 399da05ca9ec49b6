/**
 * What two reports say about whether they can be of one call. Silence proves nothing: many reports
 * know neither tokens nor ids, and names of operations differ for the same work.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { compareTokens, tokensOf } from './tokens.ts';

type Kind = 'embeddings' | 'generation';

/** What proves that two reports are of two calls; null when nothing does. */
export type Proof = 'kind' | 'response';

/**
 * Of a report and one around it. Their tokens may well differ, since what is around may count more
 * than one call; but equal ones outweigh all else: a gateway gives the answer an id of its own.
 */
export function provesOther(a: readonly SpanFacts[], b: readonly SpanFacts[]): Proof | null {
  const [aId, bId] = [responseIdIn(a), responseIdIn(b)];
  const proof = areOfTwoKinds(kindOf(a), kindOf(b))
    ? 'kind'
    : aId !== undefined && bId !== undefined && aId !== bId
      ? 'response'
      : null;
  return proof !== null && compareTokens(tokensOf(a), tokensOf(b)) === 'equal' ? null : proof;
}

/** Of an attempt that brought nothing. */
export function isFailure(facts: readonly SpanFacts[]): boolean {
  return (
    facts.some(({ error }) => error !== undefined) &&
    facts.every(({ output, tokens }) => output === undefined && (tokens?.output ?? 0) === 0)
  );
}

export function responseIdIn(facts: readonly SpanFacts[]): string | undefined {
  for (const { responseId } of facts) if (responseId !== undefined) return responseId;
  return undefined;
}

export function areOfTwoKinds(a: Kind | null, b: Kind | null): boolean {
  return a !== null && b !== null && a !== b;
}

/** Chat, completion and generation are names for one kind of work; null when nobody says which. */
export function kindOf(facts: readonly SpanFacts[]): Kind | null {
  for (const { operation } of facts) {
    if (operation === 'embeddings') return 'embeddings';
    if (operation !== undefined && operation !== 'other') return 'generation';
  }
  return null;
}
