/**
 * Token counts with one meaning: `input` includes cached input, `output` includes reasoning.
 * Some emitters leave the parts out of the whole; a total, where there is one, tells.
 */

import type { TokenUsage } from '../contract/invocation.ts';
import { type JsonRecord, numberAt } from './json-text.ts';

interface RawUsage {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly total?: number | undefined;
  /** Known of the emitter, whatever its total says: input leaves cached input out. */
  readonly excludesCache?: boolean;
}

export type Usage = { -readonly [Kind in keyof TokenUsage]?: number };

/** Undefined when nothing was reported at all. */
export function tokenUsage(raw: RawUsage): Usage | undefined {
  const cacheRead = count(raw.cacheRead);
  const cacheWrite = count(raw.cacheWrite);
  const reasoning = count(raw.reasoning);
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0);
  const [input, output] = inclusive(raw, count(raw.input), count(raw.output), cached, reasoning ?? 0);
  const usage: Usage = {};
  if (input !== undefined) usage.input = input;
  if (output !== undefined) usage.output = output;
  if (cacheRead !== undefined) usage.cacheRead = cacheRead;
  if (cacheWrite !== undefined) usage.cacheWrite = cacheWrite;
  if (reasoning !== undefined) usage.reasoning = reasoning;
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/**
 * Usage in the words of Anthropic's own API, where input leaves cached input out. Undefined without
 * a word on the cache, which that API never leaves out: then it is somebody else's.
 */
export function anthropicUsage(raw: JsonRecord | undefined): Usage | undefined {
  if (raw === undefined || !('cache_read_input_tokens' in raw || 'cache_creation_input_tokens' in raw))
    return undefined;
  return tokenUsage({
    input: numberAt(raw, 'input_tokens'),
    output: numberAt(raw, 'output_tokens'),
    cacheRead: numberAt(raw, 'cache_read_input_tokens'),
    cacheWrite: numberAt(raw, 'cache_creation_input_tokens'),
    excludesCache: true,
  });
}

function inclusive(
  raw: RawUsage,
  input: number | undefined,
  output: number | undefined,
  cached: number,
  reasoning: number,
): readonly [number | undefined, number | undefined] {
  if (input === undefined) return [undefined, output];
  if (raw.excludesCache === true) return [input + cached, output];
  const total = count(raw.total);
  if (total !== undefined && output !== undefined && input + output !== total) {
    if (input + cached + output === total) return [input + cached, output];
    if (input + output + reasoning === total) return [input, output + reasoning];
    if (input + cached + output + reasoning === total) return [input + cached, output + reasoning];
  }
  // A part can't be larger than the whole.
  return [input < cached ? input + cached : input, output];
}

/** Whole and not negative, or it is no count. */
function count(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) && value >= 0 ? value : undefined;
}
