/** Token counts as a price needs them. Pure. */

import type { TokenUsage } from '../contract/invocation.ts';

/** All kinds known, and the parts of the input not larger than the input. */
export interface PricedTokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/**
 * Null when the counts do not allow a price: nothing was reported, or the output of something that
 * has output. `needsOutput` is false for what has no price of output, e.g. embeddings.
 */
export function pricedTokens(tokens: TokenUsage, needsOutput: boolean): PricedTokens | null {
  const { input, output } = tokens;
  if (input === null && output === null) return null;
  if (input === null || (output === null && needsOutput)) return null;
  const cacheRead = tokens.cacheRead ?? 0;
  const cacheWrite = tokens.cacheWrite ?? 0;
  // An emitter whose input leaves out cached input and that we have not recognised as such.
  return { input: Math.max(input, cacheRead + cacheWrite), output: output ?? 0, cacheRead, cacheWrite };
}

/** US dollars per million tokens. A missing price of cached input is that of input. */
export interface LinearPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

const MILLION = 1_000_000;

export function linearCost(price: LinearPrice, tokens: PricedTokens): number {
  const uncached = tokens.input - tokens.cacheRead - tokens.cacheWrite;
  return (
    (uncached * price.input +
      tokens.cacheRead * price.cacheRead +
      tokens.cacheWrite * price.cacheWrite +
      tokens.output * price.output) /
    MILLION
  );
}

/** Decimal text with the ten places that the store keeps. */
export function decimalUsd(amount: number): string {
  return amount.toFixed(10);
}
