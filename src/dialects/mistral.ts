/**
 * Mistral's SDK for Python: the semantic conventions; but a request to an agent is one call, of which each message of
 * the answer has a span inside, without tokens, and pages that are read are counted as pages.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  if (attributes.has('mistral_ai.ocr.usage.pages_processed')) return { role: 'call', operation: 'other' };
  if (text(attributes, 'gen_ai.operation.name') !== 'invoke_agent') return null;
  return number(attributes, 'gen_ai.usage.output_tokens') === undefined ? null : { role: 'call', operation: 'chat' };
}

export const mistral: Dialect = { name: 'mistral', keys: [], scopes: ['mistralai_sdk'], span: readSpan };
