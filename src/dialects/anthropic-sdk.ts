/**
 * What Anthropic's SDKs send by themselves: the semantic conventions, with the stop reason under a
 * name of its own.
 */

import { text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { finishReasons } from './names.ts';

function readSpan({ span }: SpanInput): Reading | null {
  const reasons = finishReasons(text(span.attributes, 'anthropic.message.stop_reason'));
  return reasons === undefined ? null : { finishReasons: reasons };
}

export const anthropicSdk: Dialect = { name: 'anthropic-sdk', keys: ['anthropic.message.'], span: readSpan };
