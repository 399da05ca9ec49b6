/**
 * Google Genkit: `genkit:*` attributes, with everything about a call in its raw input and output; or, by its
 * plugins for OpenTelemetry, the conventions' names with Genkit's own counts.
 */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import { type JsonRecord, isArray, isRecord, jsonOf, numberAt, recordAt, recordOf, stringAt } from './json-text.ts';
import { addMessages, messagesOf, readMessages } from './messages.ts';
import { finishReasons, providerName } from './names.ts';
import { partsOfGemini, partsOfOpenAi } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { anthropicUsage, tokenUsage } from './usage.ts';

const PLUGINS = 'genkit-genai';

function readSpan({ span, scope }: SpanInput): Reading | null {
  const { attributes } = span;
  if (scope.name === PLUGINS && text(attributes, 'gen_ai.operation.name') === 'chat') return readCounts(attributes);
  const subtype = text(attributes, 'genkit:metadata:subtype');
  if (subtype !== 'model' && subtype !== 'embedder') return readWrapper(attributes, subtype);
  const reading: Reading = { role: 'call', operation: subtype === 'model' ? 'chat' : 'embeddings' };
  const asked = jsonOf(attributes.get('genkit:input'));
  const answered = jsonOf(attributes.get('genkit:output'));
  const input = isRecord(asked) ? asked : undefined;
  const output = isRecord(answered) ? answered : undefined;
  const raw = recordOf(output, 'raw') ?? recordOf(output, 'custom');
  readModel(reading, attributes, input, raw);
  readUsage(reading, recordOf(output, 'usage'), raw);
  addMessages(reading, 'input', messagesOf(attributes.get('genkit:input'), 'user', asked));
  if (subtype === 'embedder') return reading;
  if (answered === undefined) addMessages(reading, 'output', messagesOf(attributes.get('genkit:output'), 'assistant'));
  const answers = answersOf(output);
  const said = answers.flatMap((answer) => readMessages(answer['message'], 'assistant'));
  if (said.length > 0) reading.output = said;
  const reasons = finishReasons(answers.flatMap((answer) => stringAt(answer, 'finishReason') ?? []));
  if (reasons !== undefined) reading.finishReasons = reasons;
  return reading;
}

/** As its plugins of models count: of Gemini without thoughts, of Anthropic without cached input. */
function readCounts(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const provider = providerName(text(attributes, 'gen_ai.provider.name'));
  const tokens = tokenUsage({
    input: number(attributes, 'gen_ai.usage.input_tokens'),
    output: number(attributes, 'gen_ai.usage.output_tokens'),
    cacheRead: number(attributes, 'gen_ai.usage.cache_read.input_tokens'),
    reasoning: number(attributes, 'gen_ai.usage.reasoning.output_tokens'),
    reasoningIsBeside: provider?.startsWith('gcp.') === true,
    excludesCache: provider === 'anthropic',
  });
  if (tokens === undefined) return reading;
  reading.tokens = tokens;
  if (provider === 'anthropic' && tokens.cacheRead === undefined) markIncomplete(reading, 'usage_without_cache');
  return reading;
}

/** One answer is the output itself; plugins that can give several, as Anthropic's, list them. */
function answersOf(output: JsonRecord | undefined): readonly JsonRecord[] {
  if (output === undefined) return [];
  const candidates = output['candidates'];
  return isArray(candidates) && !('message' in output) ? candidates.filter(isRecord) : [output];
}

/** A dotprompt is named by its span; its variables are the span's input. */
function readWrapper(attributes: OtlpAttributes, subtype: string | undefined): Reading {
  const reading: Reading = { role: 'wrapper' };
  if (subtype === 'tool') reading.boundary = 'tool';
  const name =
    text(attributes, 'genkit:metadata:promptName') ??
    (text(attributes, 'genkit:type') === 'dotprompt' ? text(attributes, 'genkit:name') : undefined);
  if (name === undefined) return reading;
  const variables = recordAt(attributes, 'genkit:input');
  reading.declared = { name, version: null, label: null };
  if (variables !== undefined) {
    reading.variables = Object.fromEntries(
      Object.entries(variables).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
  }
  return reading;
}

/** Models are named `provider/model`; what answered stands in the raw response. */
function readModel(
  reading: Reading,
  attributes: OtlpAttributes,
  input: JsonRecord | undefined,
  raw: JsonRecord | undefined,
): void {
  const name = text(attributes, 'genkit:name') ?? '';
  const slash = name.indexOf('/');
  const model = name.slice(slash + 1);
  const provider = slash < 0 ? undefined : providerName(name.slice(0, slash));
  if (provider !== undefined) reading.provider = provider;
  if (model !== '') reading.requestModel = model;
  const answered = stringAt(raw, 'model', 'modelVersion');
  if (answered !== undefined) reading.responseModel = answered;
  const responseId = stringAt(raw, 'id', 'responseId');
  if (responseId !== undefined) reading.responseId = responseId;
  const settings = settingsOf(
    model === '' ? undefined : model,
    readParameters(recordOf(input, 'config')),
    readTools(input?.['tools']),
  );
  if (settings !== undefined) reading.settings = settings;
}

function readUsage(reading: Reading, usage: JsonRecord | undefined, raw: JsonRecord | undefined): void {
  const billed = recordOf(raw, 'usage');
  // What the plugin of Anthropic counts as input leaves cached input out; the raw response has all of it.
  const exact = anthropicUsage(billed);
  const tokens =
    exact ??
    tokenUsage({
      input: numberAt(usage, 'inputTokens'),
      output: numberAt(usage, 'outputTokens'),
      cacheRead:
        numberAt(usage, 'cachedContentTokens') ?? numberAt(recordOf(billed, 'prompt_tokens_details'), 'cached_tokens'),
      reasoning:
        numberAt(usage, 'thoughtsTokens') ??
        numberAt(recordOf(billed, 'completion_tokens_details'), 'reasoning_tokens'),
      total: numberAt(usage, 'totalTokens'),
      parts: partsOfOpenAi(billed) ?? partsOfGemini(recordOf(raw, 'usageMetadata')),
    });
  if (tokens === undefined) return;
  reading.tokens = tokens;
  if (reading.provider === 'anthropic' && billed === undefined) markIncomplete(reading, 'usage_without_cache');
}

export const genkit: Dialect = { name: 'genkit', keys: ['genkit:'], scopes: [PLUGINS], span: readSpan };
