/** Token counts as a price needs them. Pure. */

import { TOKEN_PARTS, type TokenPart, type TokenParts, type TokenUsage } from '../contract/invocation.ts';

/** All kinds known, and the parts of the input not larger than the input. */
export interface PricedTokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** Not larger than the output. */
  readonly reasoning: number;
  readonly webSearches: number;
  /** Not larger than what they are parts of, alone or together; null for none. */
  readonly parts: TokenParts | null;
}

/**
 * Null when the counts do not allow a price: nothing was reported, or the output of something that
 * has output. `needsOutput` is false for what has no price of output, e.g. embeddings.
 */
export function pricedTokens(tokens: TokenUsage, needsOutput: boolean): PricedTokens | null {
  if (tokens.input === null && tokens.output === null) return null;
  if (tokens.input === null || (tokens.output === null && needsOutput)) return null;
  const cacheRead = tokens.cacheRead ?? 0;
  const cacheWrite = tokens.cacheWrite ?? 0;
  // An emitter whose input leaves out cached input and that we have not recognised as such.
  const input = Math.max(tokens.input, cacheRead + cacheWrite);
  const output = tokens.output ?? 0;
  const reasoning = Math.min(tokens.reasoning ?? 0, output);
  const whole = { input, output, cacheRead, cacheWrite, reasoning, webSearches: tokens.webSearches ?? 0, parts: null };
  return tokens.parts === undefined ? whole : { ...whole, parts: boundedParts(tokens.parts, whole) };
}

/** A modality's input, and what of it came from a cache. Nobody has a price for cached video. */
const INPUTS = [
  ['input_audio', 'cache_audio_read'],
  ['input_image', 'cache_image_read'],
  ['input_video', null],
] as const;
const OUTPUTS = ['output_audio', 'output_image', 'output_video'] as const;

/** Some report a part of what they count elsewhere, or more than the whole: that much is priced as the whole is. */
function boundedParts(parts: TokenParts, whole: PricedTokens): TokenParts {
  const bounded: { -readonly [Part in TokenPart]?: number } = {};
  bounded.cache_write_1h = Math.min(parts.cache_write_1h ?? 0, whole.cacheWrite);
  let cached = whole.cacheRead;
  let fresh = whole.input - whole.cacheRead - whole.cacheWrite;
  for (const [input, read] of INPUTS) {
    const reported = read === null ? 0 : (parts[read] ?? 0);
    const count = Math.min(Math.max(parts[input] ?? 0, reported), fresh + cached);
    // What is more than there was fresh came from the cache, whether that was told or not.
    const fromCache = Math.max(Math.min(reported, cached, count), count - fresh);
    cached -= fromCache;
    fresh -= count - fromCache;
    bounded[input] = read === null ? count - fromCache : count;
    if (read !== null) bounded[read] = fromCache;
  }
  let left = whole.output;
  for (const output of OUTPUTS) {
    const count = Math.min(parts[output] ?? 0, left);
    left -= count;
    bounded[output] = count;
  }
  return bounded;
}

/** US dollars per million tokens, and per thousand searches. A missing price of cached input is that of input. */
export interface LinearPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly webSearches: number;
  /** Null where no part has one. */
  readonly parts: PartPrices | null;
}

/** US dollars per million tokens; a part that is missing has the price of what it is part of. */
export type PartPrices = { readonly [Part in TokenPart]?: number };

/** Null for none. `hasCacheRead`: cached input has a price, so that of what it was is not that of what it was made of. */
export function partPrices(priceOf: (part: TokenPart) => number | undefined, hasCacheRead: boolean): PartPrices | null {
  const prices: { -readonly [Part in TokenPart]?: number } = {};
  for (const part of TOKEN_PARTS) {
    const price = priceOf(part);
    if (price !== undefined) prices[part] = price;
  }
  if (!hasCacheRead) {
    for (const [input, read] of INPUTS) {
      if (read !== null && prices[input] !== undefined) prices[read] ??= prices[input];
    }
  }
  return Object.keys(prices).length === 0 ? null : prices;
}

const MILLION = 1_000_000;
const THOUSANDS_OF_A_MILLION = 1_000;

export function linearCost(price: LinearPrice, tokens: PricedTokens): number {
  const uncached = tokens.input - tokens.cacheRead - tokens.cacheWrite;
  const cost =
    uncached * price.input +
    tokens.cacheRead * price.cacheRead +
    tokens.cacheWrite * price.cacheWrite +
    tokens.output * price.output +
    tokens.webSearches * price.webSearches * THOUSANDS_OF_A_MILLION;
  if (price.parts === null || tokens.parts === null) return cost / MILLION;
  return (cost + costBesideWhole(price, price.parts, tokens.parts)) / MILLION;
}

/** What a part is priced as where it has no price of its own. */
const WHOLE_OF: Readonly<Record<TokenPart, 'input' | 'output' | 'cacheRead' | 'cacheWrite'>> = {
  cache_write_1h: 'cacheWrite',
  input_audio: 'input',
  cache_audio_read: 'cacheRead',
  output_audio: 'output',
  input_image: 'input',
  cache_image_read: 'cacheRead',
  output_image: 'output',
  input_video: 'input',
  output_video: 'output',
};

/** What parts cost more than they would without prices of their own; less is negative. */
function costBesideWhole(price: LinearPrice, prices: PartPrices, parts: TokenParts): number {
  let cost = 0;
  for (const part of TOKEN_PARTS) {
    const own = prices[part];
    if (own !== undefined) cost += countAlone(part, parts) * (own - price[WHOLE_OF[part]]);
  }
  return cost;
}

/** Input of a modality without what of it came from a cache, which has a price of its own. */
function countAlone(part: TokenPart, parts: TokenParts): number {
  const count = parts[part] ?? 0;
  if (part === 'input_audio') return count - (parts.cache_audio_read ?? 0);
  return part === 'input_image' ? count - (parts.cache_image_read ?? 0) : count;
}

/** Decimal text with the ten places that the store keeps. */
export function decimalUsd(amount: number): string {
  return amount.toFixed(10);
}
