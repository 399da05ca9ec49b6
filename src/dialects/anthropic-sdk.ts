/**
 * What Anthropic's SDKs send by themselves: the semantic conventions, with the stop reason under a
 * name of its own. What compacting the conversation took stands beside the usage, and is paid like it.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { finishReasons } from './names.ts';
import { readUsage } from './semconv.ts';
import { withCompactions } from './usage.ts';

const COMPACTION = 'anthropic.usage.compaction.';

function readSpan({ span: { attributes }, scope }: SpanInput): Reading | null {
  const reading: Reading = {};
  const reasons = finishReasons(text(attributes, 'anthropic.message.stop_reason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const input = number(attributes, `${COMPACTION}input_tokens`);
  const output = number(attributes, `${COMPACTION}output_tokens`);
  if (input === undefined && output === undefined) return reasons === undefined ? null : reading;
  readUsage(reading, attributes, scope);
  const { tokens } = reading;
  if (tokens !== undefined) reading.tokens = { ...tokens, ...withCompactions(tokens, input ?? 0, output ?? 0) };
  return reading;
}

export const anthropicSdk: Dialect = {
  name: 'anthropic-sdk',
  keys: ['anthropic.message.', COMPACTION],
  span: readSpan,
};
