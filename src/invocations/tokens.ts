/**
 * Token counts of one call from several reports of it. The first that knows a kind is believed, and
 * nothing is summed; but a count of input that leaves cached input out gives way to one that has it.
 */

import type { TokenKind, TokenParts, TokenUsage } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';

/** Kind by kind: an inner span may know the sums and an outer one the parts. */
export function mergeTokens(reports: readonly SpanFacts[]): TokenUsage {
  const counted = reports.filter(({ tokens }) => tokens === undefined || !isNothing(tokens));
  const facts = counted.some(({ tokens }) => tokens !== undefined) ? counted : reports;
  const kind = (name: TokenKind): number | null => {
    for (const fact of facts) {
      const count = fact.tokens?.[name];
      if (count !== undefined && count !== null) return count;
    }
    return null;
  };
  const tokens = {
    input: inputSource(facts)?.tokens?.input ?? null,
    output: kind('output'),
    cacheRead: kind('cacheRead'),
    cacheWrite: kind('cacheWrite'),
    reasoning: kind('reasoning'),
  };
  const parts = mergeParts(facts);
  const webSearches = facts.find((fact) => fact.tokens?.webSearches !== undefined)?.tokens?.webSearches;
  if (parts === undefined && webSearches === undefined) return tokens;
  return { ...tokens, ...(parts !== undefined && { parts }), ...(webSearches !== undefined && { webSearches }) };
}

/** Zeros alone: nobody is asked nothing, so who says so of a call that was answered does not know. */
export function isNothing({
  input,
  output,
  cacheRead,
  cacheWrite,
  reasoning,
  parts,
  webSearches,
}: Partial<TokenUsage>): boolean {
  const counts = [output, cacheRead, cacheWrite, reasoning, webSearches, ...Object.values(parts ?? {})];
  return input === 0 && counts.every((count) => (count ?? 0) === 0);
}

/** As the kinds that they are part of: of each part the first that knows it is believed. */
function mergeParts(facts: readonly SpanFacts[]): TokenParts | undefined {
  let merged: TokenParts | undefined;
  for (const { tokens } of facts) {
    if (tokens?.parts !== undefined) merged = merged === undefined ? tokens.parts : { ...tokens.parts, ...merged };
  }
  return merged;
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

/** What reports of one call say that it used, and in what way input is counted. */
export interface Counted extends Omit<TokenUsage, 'parts' | 'webSearches'> {
  readonly leavesCacheOut: boolean;
}

export function tokensOf(facts: readonly SpanFacts[]): Counted {
  const source = inputSource(facts);
  return { ...mergeTokens(facts), leavesCacheOut: source !== undefined && leavesCacheOut(source) };
}

/**
 * Whether two reports count the same: different when both know a kind and no way of counting explains
 * that they do not agree, equal when they agree on input and on output.
 */
export function compareTokens(a: Counted, b: Counted): 'equal' | 'different' | 'unknown' {
  const input = agree(a.input, b.input, (difference) => isCachePart(difference, a) || isCachePart(difference, b));
  const output = agree(a.output, b.output, (difference) => difference === a.reasoning || difference === b.reasoning);
  if (output === false || (input === false && !isRestOf(a, b))) return 'different';
  return input === true && output === true ? 'equal' : 'unknown';
}

/** What two reports of one call know together. */
export function joinTokens(a: Counted, b: Counted): Counted {
  const higher = (b.input ?? 0) > (a.input ?? 0) ? b : a;
  return {
    input: higher.input,
    leavesCacheOut: higher.leavesCacheOut,
    output: (b.output ?? 0) > (a.output ?? 0) ? b.output : a.output,
    cacheRead: a.cacheRead ?? b.cacheRead,
    cacheWrite: a.cacheWrite ?? b.cacheWrite,
    reasoning: a.reasoning ?? b.reasoning,
  };
}

/** Null when either is not known, as zero is not. */
function agree(a: number | null, b: number | null, explains: (difference: number) => boolean): boolean | null {
  if (a === null || b === null || a === 0 || b === 0) return null;
  return a === b || explains(Math.abs(a - b));
}

/** True for what of input one may count and the other leave out. */
function isCachePart(count: number, { cacheRead, cacheWrite }: Counted): boolean {
  return count === cacheRead || count === cacheWrite || count === (cacheRead ?? 0) + (cacheWrite ?? 0);
}

/** True when the lower input leaves out what came from a cache, and the other does not say what did. */
function isRestOf(a: Counted, b: Counted): boolean {
  const [less, more] = (a.input ?? 0) < (b.input ?? 0) ? [a, b] : [b, a];
  return less.leavesCacheOut && !more.leavesCacheOut && more.cacheRead === null && more.cacheWrite === null;
}
