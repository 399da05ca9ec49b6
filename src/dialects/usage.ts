/**
 * Token counts with one meaning: `input` includes cached input, `output` includes reasoning.
 * Some emitters leave the parts out of the whole; a total, where there is one, tells.
 */

import type { TokenKind, TokenParts, TokenUsage } from '../contract/invocation.ts';
import { type JsonRecord, isArray, isRecord, numberAt, recordOf } from './json-text.ts';
import { partsOfAnthropic, partsOfGemini } from './token-parts.ts';
import { webSearchesOf } from './web-searches.ts';

interface RawUsage {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly total?: number | undefined;
  readonly parts?: TokenParts | undefined;
  readonly webSearches?: number | undefined;
  /** Known of the emitter, whatever its total says: input leaves cached input out. */
  readonly excludesCache?: boolean;
  /** Known of the emitter: output leaves reasoning out, and only its total has it. */
  readonly excludesReasoning?: boolean;
  /** Known of the emitter: output leaves reasoning out, which it reports beside it. */
  readonly reasoningIsBeside?: boolean;
}

export type Usage = { -readonly [Kind in TokenKind]?: number } & { parts?: TokenParts; webSearches?: number };

/** Undefined when nothing was reported at all. */
export function tokenUsage(raw: RawUsage): Usage | undefined {
  const cacheRead = count(raw.cacheRead);
  const cacheWrite = count(raw.cacheWrite);
  const reasoning = count(raw.reasoning) ?? restOf(raw);
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0);
  const answer = count(raw.output);
  const whole = raw.reasoningIsBeside === true && answer !== undefined ? answer + (reasoning ?? 0) : answer;
  const [input, output] = inclusive(raw, count(raw.input), whole, cached, reasoning ?? 0);
  const usage: Usage = {};
  if (input !== undefined) usage.input = input;
  if (output !== undefined) usage.output = output;
  if (cacheRead !== undefined) usage.cacheRead = cacheRead;
  if (cacheWrite !== undefined) usage.cacheWrite = cacheWrite;
  if (reasoning !== undefined) usage.reasoning = reasoning;
  if (raw.parts !== undefined) usage.parts = raw.parts;
  if (raw.webSearches !== undefined) usage.webSearches = raw.webSearches;
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/**
 * Usage in the words of Anthropic's own API, where input leaves cached input out. Undefined without
 * a word on the cache, which that API never leaves out: then it is somebody else's.
 */
export function anthropicUsage(raw: JsonRecord | undefined): Usage | undefined {
  if (raw === undefined || !('cache_read_input_tokens' in raw || 'cache_creation_input_tokens' in raw))
    return undefined;
  const usage = tokenUsage({
    input: numberAt(raw, 'input_tokens'),
    output: numberAt(raw, 'output_tokens'),
    cacheRead: numberAt(raw, 'cache_read_input_tokens'),
    cacheWrite: numberAt(raw, 'cache_creation_input_tokens'),
    reasoning: numberAt(recordOf(raw, 'output_tokens_details'), 'thinking_tokens'),
    parts: partsOfAnthropic(raw),
    webSearches: webSearchesOf(raw),
    excludesCache: true,
  });
  const { iterations } = raw;
  const compactions = isArray(iterations)
    ? iterations.filter(isRecord).filter((each) => each['type'] === 'compaction')
    : [];
  if (usage === undefined || compactions.length === 0) return usage;
  const sum = (...keys: readonly string[]): number =>
    compactions.flatMap((each) => keys.map((key) => numberAt(each, key) ?? 0)).reduce((all, one) => all + one, 0);
  const input = sum('input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens');
  return { ...usage, ...withCompactions(usage, input, sum('output_tokens')) };
}

/** What Claude used to make a conversation shorter before it answered, which its usage leaves out. */
export function withCompactions(tokens: Partial<TokenUsage>, input: number, output: number): Usage {
  return { input: (tokens.input ?? 0) + input, output: (tokens.output ?? 0) + output };
}

/**
 * Input that was written to a cache. LangChain gives it by how long the cache keeps it, and then zero for all
 * of it, lest it is counted twice.
 */
export function cacheWriteOf(
  details: JsonRecord | undefined,
  keys: readonly string[],
  prefix = '',
): number | undefined {
  const whole = numberAt(details, ...keys);
  if (whole !== undefined && whole > 0) return whole;
  const parts = CACHE_LIVES.map((life) => numberAt(details, `${prefix}ephemeral_${life}_input_tokens`));
  if (parts.every((part) => part === undefined)) return whole;
  return parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
}

/** What LangChain and LangSmith call a part of what OpenAI counted, which has the call's tier before its name, if any. */
export function ofAnyTier(part: string, prefix = ''): readonly string[] {
  return ['', 'priority_', 'flex_'].map((tier) => prefix + tier + part);
}

/** LangSmith has another word for an hour. */
const CACHE_LIVES = ['5m', '1h', '1hr'];

/** What only the total has; undefined when that is nothing. */
function restOf({ input, output, total, excludesReasoning }: RawUsage): number | undefined {
  if (excludesReasoning !== true || input === undefined || output === undefined || total === undefined)
    return undefined;
  const rest = total - input - output;
  return rest > 0 ? count(rest) : undefined;
}

/**
 * Usage in the words of Gemini's API, in JavaScript's spelling or Python's, where output leaves thoughts out,
 * and input what tools brought. Who puts another model's usage into these words may have left nothing out:
 * a total tells.
 */
export function geminiUsage(raw: JsonRecord | undefined): Usage | undefined {
  const input = numberAt(raw, 'promptTokenCount', 'prompt_token_count');
  if (input === undefined) return undefined;
  const whole = input + (numberAt(raw, 'toolUsePromptTokenCount', 'tool_use_prompt_token_count') ?? 0);
  const output = numberAt(raw, 'candidatesTokenCount', 'candidates_token_count') ?? 0;
  const isWhole = numberAt(raw, 'totalTokenCount', 'total_token_count') === whole + output;
  return tokenUsage({
    input: whole,
    output,
    cacheRead: numberAt(raw, 'cachedContentTokenCount', 'cached_content_token_count'),
    reasoning: numberAt(raw, 'thoughtsTokenCount', 'thoughts_token_count'),
    reasoningIsBeside: !isWhole,
    parts: partsOfGemini(raw),
  });
}

function inclusive(
  raw: RawUsage,
  input: number | undefined,
  output: number | undefined,
  cached: number,
  reasoning: number,
): readonly [number | undefined, number | undefined] {
  // A part can't be larger than the whole.
  if (output !== undefined && output < reasoning) return inclusive(raw, input, output + reasoning, cached, reasoning);
  if (input === undefined) return [undefined, output];
  if (raw.excludesCache === true) return [input + cached, output];
  const total = count(raw.total);
  if (total !== undefined && output !== undefined && input + output !== total) {
    if (input + cached + output === total) return [input + cached, output];
    if (input + output + reasoning === total) return [input, output + reasoning];
    if (input + cached + output + reasoning === total) return [input + cached, output + reasoning];
  }
  return [input < cached ? input + cached : input, output];
}

/** Whole, not negative, and no more than a number can hold, or it is no count. */
function count(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
