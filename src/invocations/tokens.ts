/**
 * Token counts of one call from several reports of it. The first that knows a kind is believed, and
 * nothing is summed; but a count of input that leaves cached input out gives way to one that has it.
 */

import type { TokenUsage } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';

/** Kind by kind: an inner span may know the sums and an outer one the parts. */
export function mergeTokens(facts: readonly SpanFacts[]): TokenUsage {
  const kind = (name: keyof TokenUsage): number | null => {
    for (const fact of facts) {
      const count = fact.tokens?.[name];
      if (count !== undefined && count !== null) return count;
    }
    return null;
  };
  return {
    input: inputSource(facts)?.tokens?.input ?? null,
    output: kind('output'),
    cacheRead: kind('cacheRead'),
    cacheWrite: kind('cacheWrite'),
    reasoning: kind('reasoning'),
  };
}

/** True when input is known with what of it came from a cache. */
export function isInputWhole(facts: readonly SpanFacts[]): boolean {
  const source = inputSource(facts);
  return source !== undefined && knowsWhole(source);
}

/** Whose count of input is believed. */
function inputSource(facts: readonly SpanFacts[]): SpanFacts | undefined {
  const first = facts.find(knowsInput);
  if (first === undefined || !leavesCacheOut(first)) return first;
  return facts.find(knowsWhole) ?? first;
}

function knowsInput({ tokens }: SpanFacts): boolean {
  return tokens?.input !== undefined && tokens.input !== null;
}

function knowsWhole(fact: SpanFacts): boolean {
  const { cacheRead, cacheWrite } = fact.tokens ?? {};
  return knowsInput(fact) && !leavesCacheOut(fact) && (cacheRead ?? cacheWrite ?? null) !== null;
}

function leavesCacheOut({ incomplete }: SpanFacts): boolean {
  return incomplete !== undefined && incomplete.includes('usage_without_cache');
}
