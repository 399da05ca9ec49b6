/**
 * Mastra: the semantic conventions for model, tokens and output on `model_inference`; what went in
 * stands on the `model_step` or `model_generation` around it, and the instructions on `agent_run`.
 */

import type { Operation } from '../contract/invocation.ts';
import { text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisUntil } from './durations.ts';
import { jsonOf, recordAt, recordOf, stringAt } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { readParts } from './parts.ts';

/** Before there were inferences a generation was the innermost that knew tokens. Steps never do. */
const CALLS = new Map<string, Operation>([
  ['model_inference', 'chat'],
  ['model_generation', 'chat'],
  ['llm_generation', 'chat'],
  ['rag_embedding', 'embeddings'],
]);

function readSpan({ span }: SpanInput): Reading | null {
  const { attributes } = span;
  const type = text(attributes, 'mastra.span.type')?.toLowerCase();
  if (type === undefined) return null;
  const operation = CALLS.get(type);
  if (operation === undefined) return { ...readContext(attributes), ...readWrapper(attributes, type) };
  const reading: Reading = { ...readContext(attributes), role: 'call', operation };
  const firstTokenMs = millisUntil(text(attributes, 'mastra.completion_start_time'), span);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  addMessages(reading, 'input', messagesOf(attributes.get(`mastra.${type}.input`), 'user'));
  // What failed is told to the agent; the inference ends well, with this reason.
  if (text(attributes, 'gen_ai.response.finish_reasons') === '["error"]')
    reading.error = { type: 'error', message: '' };
  if (operation === 'embeddings') return reading;
  if (type === 'llm_generation') readAnswer(reading, attributes);
  addMessages(reading, 'output', messagesOf(attributes.get(`mastra.${type}.output`), 'assistant'));
  return reading;
}

/** What people give to a trace is in the metadata of each of its spans. Memory calls a user the resource. */
function readContext(attributes: OtlpAttributes): Reading {
  const reading = metadataReading((key) => text(attributes, `mastra.metadata.${key}`));
  const resource = text(attributes, 'mastra.metadata.resourceId');
  if (resource !== undefined) reading.userId ??= resource;
  const prompt = recordOf(recordAt(attributes, 'mastra.metadata.langfuse'), 'prompt');
  const name = stringAt(prompt, 'name');
  if (name !== undefined) reading.declared ??= { name, version: stringAt(prompt, 'version') ?? null, label: null };
  return reading;
}

/** What its first exporter sent is a whole result of the AI SDK. */
function readAnswer(reading: Reading, attributes: OtlpAttributes): void {
  const result = recordAt(attributes, 'gen_ai.completion');
  if (typeof result?.['text'] !== 'string') return;
  const answer = { content: result['text'], tool_calls: result['toolCalls'] ?? null };
  addMessages(reading, 'output', messagesOf(attributes.get('gen_ai.completion'), 'assistant', [answer]));
}

function readWrapper(attributes: OtlpAttributes, type: string): Reading {
  const reading: Reading = { role: 'wrapper' };
  // What goes into a step is what goes into its inference, which does not say so itself.
  if (type === 'model_step') addMessages(reading, 'input', messagesOf(attributes.get(`mastra.${type}.input`), 'user'));
  if (type === 'agent_run' || type === 'workflow_run') reading.boundary = 'agent';
  if (type === 'tool_call' || type === 'mcp_tool_call') reading.boundary = 'tool';
  const instructions = attributes.get('gen_ai.system_instructions') ?? attributes.get(`mastra.${type}.instructions`);
  if (type === 'agent_run' && instructions !== undefined) {
    const parts = readParts(jsonOf(instructions) ?? text(attributes, 'gen_ai.system_instructions'));
    if (parts.length > 0) reading.system = [{ role: 'system', parts }];
  }
  return reading;
}

export const mastra: Dialect = { name: 'mastra', keys: ['mastra.'], span: readSpan };
