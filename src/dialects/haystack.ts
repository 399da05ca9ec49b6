/**
 * Haystack's own tracing, where it was told to trace content: what a generator was asked and answered stands as
 * JSON in its component's span, and in an agent's step. Without content its spans say nothing of calls.
 */

import type { Message } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { type JsonRecord, isArray, isRecord, numberAt, recordAt, recordOf, stringAt } from './json-text.ts';
import { readMessages } from './messages.ts';
import { finishReasons } from './names.ts';
import { partsOfOpenAi } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

const PLACES = ['haystack.component', 'haystack.agent.step.llm'];
const TOOL = 'haystack.agent.step.tool';
const AGENT = 'haystack.agent.run';

/** By the names of components, which begin so. */
const PROVIDERS = [
  ['AzureOpenAI', 'azure.ai.openai'],
  ['OpenAI', 'openai'],
  ['Anthropic', 'anthropic'],
  ['AmazonBedrock', 'aws.bedrock'],
  ['GoogleGenAI', 'gcp.gemini'],
  ['Mistral', 'mistral_ai'],
  ['Cohere', 'cohere'],
  ['Ollama', 'ollama'],
] as const;

function readSpan({ span }: SpanInput): Reading | null {
  const { attributes } = span;
  const place = PLACES.find((one) => text(attributes, `${one}.output`)?.startsWith('{"replies"') === true);
  if (place === undefined) {
    const boundary = span.name === TOOL ? 'tool' : span.name === AGENT ? 'agent' : undefined;
    return { role: 'wrapper', ...(boundary === undefined ? {} : { boundary }) };
  }
  const reading: Reading = { role: 'call', operation: 'chat' };
  const output = recordAt(attributes, `${place}.output`);
  const replies = listAt(output, 'replies');
  const [first] = replies;
  // A generator of plain texts has what it knows of them beside them.
  const [beside] = listAt(output, 'meta');
  const meta = recordOf(isRecord(first) ? first : undefined, 'meta') ?? (isRecord(beside) ? beside : undefined);
  readModel(reading, attributes, meta);
  readUsage(reading, recordOf(meta, 'usage'));
  readInput(reading, recordAt(attributes, `${place}.input`));
  const said = messagesOf(replies, 'assistant');
  if (said.length > 0) reading.output = said;
  return reading;
}

function listAt(record: JsonRecord | undefined, key: string): readonly Json[] {
  const list = record?.[key];
  return isArray(list) ? list : [];
}

function readModel(reading: Reading, attributes: OtlpAttributes, meta: JsonRecord | undefined): void {
  const type = text(attributes, 'haystack.component.type') ?? '';
  const provider = PROVIDERS.find(([prefix]) => type.startsWith(prefix))?.[1];
  if (provider !== undefined) reading.provider = provider;
  const model = stringAt(meta, 'model');
  if (model !== undefined) reading.responseModel = model;
  const reasons = finishReasons(stringAt(meta, 'finish_reason', 'stop_reason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
}

/** The API's own counts, of which Anthropic's and Bedrock's have OpenAI's names for the whole. */
function readUsage(reading: Reading, usage: JsonRecord | undefined): void {
  const input = recordOf(usage, 'prompt_tokens_details') ?? recordOf(usage, 'input_tokens_details');
  const output = recordOf(usage, 'completion_tokens_details') ?? recordOf(usage, 'output_tokens_details');
  const beside = numberAt(usage, 'cache_read_input_tokens');
  const tokens = tokenUsage({
    input: numberAt(usage, 'prompt_tokens', 'input_tokens'),
    output: numberAt(usage, 'completion_tokens', 'output_tokens'),
    cacheRead: beside ?? numberAt(input, 'cached_tokens') ?? numberAt(usage, 'cached_content_token_count'),
    cacheWrite: numberAt(usage, 'cache_creation_input_tokens', 'cache_write_input_tokens'),
    reasoning: numberAt(output, 'reasoning_tokens') ?? numberAt(usage, 'thoughts_token_count'),
    total: numberAt(usage, 'total_tokens'),
    parts: partsOfOpenAi(usage),
    excludesCache: beside !== undefined,
  });
  if (tokens !== undefined) reading.tokens = tokens;
}

function readInput(reading: Reading, input: JsonRecord | undefined): void {
  const system = input?.['system_prompt'];
  const asked = input?.['prompt'];
  const said = [
    ...readMessages(typeof system === 'string' ? system : undefined, 'system'),
    ...(typeof asked === 'string' ? readMessages(asked, 'user') : messagesOf(listAt(input, 'messages'), 'user')),
  ];
  if (said.length > 0) reading.input = said;
  const tools = listAt(input, 'tools').map((tool) => recordOf(isRecord(tool) ? tool : undefined, 'data') ?? tool);
  const settings = settingsOf(
    undefined,
    readParameters(recordOf(input, 'generation_kwargs')),
    tools.length === 0 ? undefined : readTools(tools),
  );
  if (settings !== undefined) reading.settings = settings;
}

function messagesOf(list: readonly Json[], role: string): readonly Message[] {
  return list.flatMap((item) => {
    if (!isRecord(item)) return readMessages(item, role);
    return readMessages({ role: item['role'] ?? role, content: listAt(item, 'content').map(partOf) }, role);
  });
}

/** Of a part its only key says what it is. */
function partOf(part: Json): Json {
  if (!isRecord(part)) return part;
  const call = recordOf(part, 'tool_call');
  if (call !== undefined) return { ...call, type: 'tool_call', name: call['tool_name'] ?? '' };
  const result = recordOf(part, 'tool_call_result');
  if (result !== undefined) {
    return {
      type: 'tool_call_response',
      id: recordOf(result, 'origin')?.['id'] ?? null,
      response: result['result'] ?? null,
    };
  }
  const reasoning = recordOf(part, 'reasoning');
  return reasoning === undefined ? part : { type: 'reasoning', content: reasoning['reasoning_text'] ?? '' };
}

export const haystack: Dialect = { name: 'haystack', keys: ['haystack.'], span: readSpan };
