/** Tool definitions and parameters of a call, in one form, so that equal settings compare equal. */

import type { Json, PromptSettings } from '../contract/prompt.ts';
import { type JsonRecord, isArray, isRecord, stringAt, recordOfEntries } from './json-text.ts';

/** `{ name, description, parameters }`, from OpenAI's nested form and the flat forms of the others. */
export function readTool(json: Json): Json {
  if (!isRecord(json)) return json;
  const inner = isRecord(json['function']) ? json['function'] : json;
  const name = stringAt(inner, 'name');
  if (name === undefined) return json;
  const schema =
    inner['parameters'] ??
    inner['input_schema'] ??
    inner['inputSchema'] ??
    inner['parametersJsonSchema'] ??
    inner['parameters_json_schema'];
  const description = stringAt(inner, 'description');
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(schema === undefined || schema === null ? {} : { parameters: schema }),
  };
}

export function readTools(json: Json | undefined): readonly Json[] | undefined {
  return isArray(json) && json.length > 0 ? json.map(readTool) : undefined;
}

/** Keys of request bodies that are not parameters: content, identity, transport. */
const NOT_PARAMETERS = new Set([
  'model',
  'messages',
  'contents',
  'input',
  'prompt',
  'system',
  'instructions',
  'systemInstruction',
  'system_instruction',
  'tools',
  'stream',
  'stream_options',
  'metadata',
  'user',
  'id',
  'object',
  'created',
  'created_at',
  'output',
  'status',
  'usage',
]);

/** What is left of a request body once content is taken out; undefined when nothing is. */
export function readParameters(body: JsonRecord | undefined): { readonly [name: string]: Json } | undefined {
  if (body === undefined) return undefined;
  const entries = Object.entries(body).filter(
    ([key, value]) => !NOT_PARAMETERS.has(key) && value !== null && value !== '',
  );
  return recordOfEntries(entries);
}

/** Settings with only what is known; undefined when that is nothing. */
export function settingsOf(
  model: string | undefined,
  parameters: { readonly [name: string]: Json } | undefined,
  tools: readonly Json[] | undefined,
): PromptSettings | undefined {
  if (model === undefined && parameters === undefined && tools === undefined) return undefined;
  return {
    ...(model === undefined ? {} : { model }),
    ...(parameters === undefined ? {} : { parameters: withWrittenNumbers(parameters) }),
    ...(tools === undefined ? {} : { tools }),
  };
}

function withWrittenNumbers(parameters: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, writtenNumber(value)]));
}

/** .NET, Go and Rust have numbers of single precision: the 0.7 in their code arrives as 0.699999988079071. */
function writtenNumber(value: Json): Json {
  if (typeof value !== 'number' || Number.isInteger(value) || Math.fround(value) !== value) return value;
  const written = Number(value.toPrecision(DIGITS_OF_SINGLE));
  return Math.fround(written) === value ? written : value;
}

const DIGITS_OF_SINGLE = 7;
