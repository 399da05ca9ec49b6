/**
 * Google's Agent Development Kit: around each call a span with the request and the response as JSON.
 * Its newer versions have another inside, in the words of the conventions.
 */

import type { Json } from '../contract/prompt.ts';
import { text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import {
  type JsonRecord,
  isArray,
  isRecord,
  jsonOf,
  recordAt,
  recordOf,
  recordOfEntries,
  stringAt,
} from './json-text.ts';
import { addMessages, messagesOf, readMessages } from './messages.ts';
import { finishReasons } from './names.ts';
import { readParts } from './parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { geminiUsage } from './usage.ts';

const REQUEST = 'gcp.vertex.agent.llm_request';

function readSpan({ span }: SpanInput): Reading {
  const { attributes } = span;
  const reading: Reading = {};
  const session = text(attributes, 'gcp.vertex.agent.session_id');
  if (session !== undefined) reading.conversationId = session;
  // Tools have empty ones.
  if (!attributes.has(REQUEST) || !attributes.has('gen_ai.request.model')) return reading;
  reading.role = 'call';
  reading.operation = 'chat';
  const asked = jsonOf(attributes.get(REQUEST));
  const request = isRecord(asked) ? asked : undefined;
  readRequest(reading, request);
  addMessages(reading, 'input', messagesOf(attributes.get(REQUEST), 'user', request?.['contents']));
  readResponse(reading, recordAt(attributes, 'gcp.vertex.agent.llm_response'));
  return reading;
}

/** Parameters as the conventions call them, by the names that Python and Java have for them. */
const PARAMETERS: readonly (readonly [string, readonly string[]])[] = [
  ['temperature', ['temperature']],
  ['top_p', ['top_p', 'topP']],
  ['top_k', ['top_k', 'topK']],
  ['max_tokens', ['max_output_tokens', 'maxOutputTokens']],
  ['frequency_penalty', ['frequency_penalty', 'frequencyPenalty']],
  ['presence_penalty', ['presence_penalty', 'presencePenalty']],
  ['stop_sequences', ['stop_sequences', 'stopSequences']],
  ['seed', ['seed']],
];

function readRequest(reading: Reading, request: JsonRecord | undefined): void {
  const config = recordOf(request, 'config');
  const system = readParts(config?.['system_instruction'] ?? config?.['systemInstruction']);
  if (system.length > 0) reading.system = [{ role: 'system', parts: system }];
  const parameters = PARAMETERS.flatMap(([name, keys]): [string, Json][] => {
    const value = keys.map((key) => config?.[key]).find((found) => found !== undefined && found !== null);
    return value === undefined || value === null ? [] : [[name, value]];
  });
  const tools = config?.['tools'];
  const declared = (isArray(tools) ? tools.filter(isRecord) : []).flatMap(
    (tool) => tool['function_declarations'] ?? tool['functionDeclarations'] ?? [],
  ) as readonly Json[];
  const settings = settingsOf(undefined, recordOfEntries(parameters), readTools(declared));
  if (settings !== undefined) reading.settings = settings;
}

function readResponse(reading: Reading, response: JsonRecord | undefined): void {
  if (response === undefined) return;
  const output = readMessages(response['content'], 'assistant');
  if (output.length > 0) reading.output = output;
  const tokens = geminiUsage(recordOf(response, 'usage_metadata') ?? recordOf(response, 'usageMetadata'));
  if (tokens !== undefined) reading.tokens = tokens;
  const model = stringAt(response, 'model_version', 'modelVersion');
  if (model !== undefined) reading.responseModel = model;
  const reasons = finishReasons(stringAt(response, 'finish_reason', 'finishReason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const type = stringAt(response, 'error_code', 'errorCode');
  if (type !== undefined) reading.error = { type, message: stringAt(response, 'error_message', 'errorMessage') ?? '' };
}

export const googleAdk: Dialect = { name: 'google-adk', keys: ['gcp.vertex.agent.'], span: readSpan };
