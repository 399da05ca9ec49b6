/**
 * vLLM, what is built on it, and SGLang: a span for each sequence that the server worked on, of which a request may
 * have several. So it is a call only where nothing around it reports one. Its id is that of the response, and vLLM
 * names no model.
 */

import { firstNumber, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';

const INPUT = ['gen_ai.usage.prompt_tokens', 'gen_ai.usage.input_tokens'];
/** The second is SGLang's, where it speaks the present conventions. Of embeddings it sends neither. */
const OUTPUT = ['gen_ai.usage.completion_tokens', 'gen_ai.usage.output_tokens'];
/** Of a completion of several prompts, and of a response, the sequence stands behind the id. */
const SEQUENCE = /^((?:cmpl|resp|embd|pool)[-_].+)[-_]\d+$/;

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  const id = text(attributes, 'gen_ai.request.id');
  const output = firstNumber(attributes, OUTPUT);
  if (id === undefined || (output ?? firstNumber(attributes, INPUT)) === undefined) return null;
  if (/^(?:score|rerank|classify)-/.test(id)) return { role: 'wrapper' };
  // Whoever asks for text gets some.
  const operation = !output ? 'embeddings' : id.startsWith('cmpl-') ? 'text_completion' : 'chat';
  return { role: 'call', operation, responseId: SEQUENCE.exec(id)?.[1] ?? id };
}

export const modelServer: Dialect = { name: 'model-server', keys: ['gen_ai.latency.'], span: readSpan };
