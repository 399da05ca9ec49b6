/**
 * One part of a message, in whatever form an SDK or a provider writes it: OpenTelemetry, OpenAI
 * (chat and responses), Anthropic, Gemini, Bedrock, AI SDK, Genkit.
 */

import type { MessagePart } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { sha256 } from '../lib/hash.ts';
import { type JsonRecord, isArray, isRecord, looksLikeJson, parseJson, recordOf, stringAt } from './json-text.ts';

/** Long URLs are data in disguise; so much of one is enough to recognise it. */
const REFERENCE_CHARACTERS_MAX = 2_048;

/** Parts of a message's content. Empty texts and stand-ins are left out: nobody said them. */
export function readParts(content: Json | undefined): MessagePart[] {
  const parts: MessagePart[] = [];
  addParts(content, parts);
  return parts;
}

/**
 * What stands in place of content that was not to be sent: of OpenInference, OpenTelemetry's instrumentation of
 * Gemini, LiteLLM, Koog (always, unless told otherwise), Strands, Genkit.
 */
const STAND_INS: ReadonlySet<string> = new Set([
  '__REDACTED__',
  '<elided>',
  'redacted-by-litellm',
  'HIDDEN:non-empty',
  '[REDACTED]',
  '<redacted>',
]);
const STAND_IN_CHARACTERS_MAX = Math.max(...[...STAND_INS].map((standIn) => standIn.length));

export function isStandIn(content: Json | undefined): boolean {
  // Looking a text up reads all of it.
  return typeof content === 'string' && content.length <= STAND_IN_CHARACTERS_MAX && STAND_INS.has(content);
}

function addParts(content: Json | undefined, parts: MessagePart[]): void {
  if (content === undefined || content === null) return;
  if (isArray(content)) {
    for (const part of content) addParts(part, parts);
    return;
  }
  const inner = isRecord(content) ? partsWithin(content) : undefined;
  if (inner !== undefined) {
    addParts(inner, parts);
    return;
  }
  const part = isRecord(content) ? readPart(content) : textPart(String(content));
  if (part !== null && (part.type !== 'text' || isSaid(part.text))) parts.push(part);
  const transcript = part?.type === 'media' && isRecord(content) ? stringAt(content, 'transcript') : undefined;
  if (transcript !== undefined && isSaid(transcript)) parts.push(textPart(transcript));
}

/** Gemini's content is an object around its parts; what LangChain calls a text may be the list of its blocks. */
function partsWithin(content: JsonRecord): readonly Json[] | undefined {
  const { parts } = content;
  if (isArray(parts) && content['type'] === undefined) return parts;
  const blocks = content['type'] === 'text' ? content['content'] : undefined;
  return isArray(blocks) ? blocks : undefined;
}

function isSaid(text: string): boolean {
  return text !== '' && !isStandIn(text);
}

export function textPart(text: string): MessagePart {
  return { type: 'text', text };
}

function readPart(part: JsonRecord): MessagePart | null {
  switch (typeof part['type'] === 'string' ? part['type'] : '') {
    case '':
      return readUntyped(part);
    case 'text':
    case 'input_text':
    case 'output_text':
    case 'summary_text':
      return textPart(valueOf(part['text']) ?? stringAt(part, 'text', 'content') ?? '');
    case 'refusal':
      return textPart(stringAt(part, 'refusal', 'text', 'content') ?? '');
    case 'reasoning':
    case 'thinking':
    case 'reasoning_text':
      return readReasoning(part);
    case 'tool_call':
    case 'tool_use':
    case 'tool-call':
    case 'function_call':
    case 'function':
    case 'toolUse':
      return readToolCall(part);
    case 'server_tool_call':
      return readToolCall({ ...part, arguments: part['arguments'] ?? part['server_tool_call'] ?? null });
    case 'server_tool_call_response':
      return readToolResponse({ ...part, response: part['response'] ?? part['server_tool_call_response'] ?? null });
    case 'cachePoint':
      return null;
    case 'compaction':
      return textPart(stringAt(part, 'content', 'text') ?? '');
    case 'tool_call_response':
    case 'tool_result':
    case 'tool-result':
    case 'toolResult':
    case 'function_call_output':
      return readToolResponse(part);
    default:
      return readMedia(part) ?? textPart(JSON.stringify(part));
  }
}

/** A text with what is noted about it: of the agents of OpenAI and Azure. */
function valueOf(text: Json | undefined): string | undefined {
  return isRecord(text) ? stringAt(text, 'value') : undefined;
}

/** Gemini, Bedrock and Genkit tell the kind of a part by its only key. Where Bedrock caches, nobody says anything. */
function readUntyped(part: JsonRecord): MessagePart | null {
  if (isRecord(part['cachePoint'])) return null;
  if (typeof part['text'] === 'string') {
    // Gemini marks what the model thought.
    return part['thought'] === true ? { type: 'reasoning', text: part['text'] } : textPart(part['text']);
  }
  const said = valueOf(part['text']);
  if (said !== undefined) return textPart(said);
  if (typeof part['reasoning'] === 'string') return { type: 'reasoning', text: part['reasoning'] };
  const request = part['toolRequest'] ?? part['functionCall'] ?? part['function_call'] ?? part['toolUse'];
  if (isRecord(request)) return readToolCall(request);
  const response = part['toolResponse'] ?? part['functionResponse'] ?? part['function_response'] ?? part['toolResult'];
  if (isRecord(response)) return readToolResponse(response);
  if (isRecord(part['function'])) return readToolCall(part);
  const media = part['media'] ?? part['inlineData'] ?? part['inline_data'] ?? part['fileData'] ?? part['file_data'];
  if (isRecord(media)) {
    const reference = stringAt(media, 'url', 'data', 'fileUri', 'file_uri');
    return mediaPart(stringAt(media, 'contentType', 'mimeType', 'mime_type'), reference);
  }
  if (Object.keys(part).length === 0) return null;
  return readBedrockMedia(part) ?? textPart(JSON.stringify(part));
}

/** `{ image: { format, source: { bytes } } }`. Bytes are written as text or as numbers; both as data, which is hashed. */
function readBedrockMedia(part: JsonRecord): MessagePart | null {
  const kind = ['image', 'video', 'audio', 'document'].find((name) => isRecord(part[name]));
  const source = kind === undefined ? undefined : recordOf(recordOf(part, kind), 'source');
  if (source === undefined) return null;
  return mediaPart(kind, stringAt(recordOf(source, 's3Location'), 'uri') ?? `data:${JSON.stringify(source)}`);
}

function readReasoning(part: JsonRecord): MessagePart | null {
  const summary = part['summary'];
  const text = stringAt(part, 'content', 'text', 'thinking') ?? (isArray(summary) ? plainText(readParts(summary)) : '');
  return text === '' ? null : { type: 'reasoning', text };
}

/**
 * Flat (`name`, `arguments`), OpenAI's (`function: { name, arguments }`), the AI SDK's (`toolName`, `input`), and for
 * a tool of the provider Azure's (`content`, whatever such a tool is given).
 */
export function readToolCall(call: JsonRecord): MessagePart {
  const content = recordOf(call, 'content');
  const inner = recordOf(call, 'function') ?? content ?? call;
  const given = inner['arguments'] ?? inner['input'] ?? inner['args'];
  return {
    type: 'tool_call',
    // The responses API has two ids; answers refer to call_id.
    id: stringAt(call, ...CALL_IDS) ?? stringAt(content, ...CALL_IDS) ?? null,
    name: stringAt(inner, 'name', 'toolName') ?? stringAt(content, 'type') ?? '',
    arguments: toolValue(given ?? content),
  };
}

const CALL_IDS = ['call_id', 'callId', 'toolCallId', 'toolUseId', 'id', 'ref'];

function readToolResponse(response: JsonRecord): MessagePart {
  return toolResponse(
    stringAt(response, 'call_id', 'callId', 'tool_use_id', 'toolUseId', 'toolCallId', 'tool_call_id', 'id', 'ref'),
    response['response'] ?? response['result'] ?? response['output'] ?? response['content'],
  );
}

export function toolResponse(id: string | undefined, result: Json | undefined): MessagePart {
  return { type: 'tool_call_response', id: id ?? null, result: toolValue(result) };
}

/** Arguments and results travel as JSON in a string, wrapped as { type, value }, or as text parts. */
function toolValue(value: Json | undefined): Json {
  if (value === undefined) return null;
  if (typeof value === 'string') return looksLikeJson(value) ? (parseJson(value) ?? value) : value;
  if (isRecord(value) && (value['type'] === 'json' || value['type'] === 'text') && 'value' in value) {
    return toolValue(value['value']);
  }
  if (isArray(value) && value.length > 0 && value.every((item) => isRecord(item) && item['type'] === 'text')) {
    return toolValue(plainText(readParts(value)));
  }
  return value;
}

function readMedia(part: JsonRecord): MessagePart | null {
  const type = typeof part['type'] === 'string' ? part['type'] : '';
  const nested = ['image_url', 'image', 'source', 'input_audio', 'file', 'audio', 'document']
    .map((key) => part[key])
    .find((value) => value !== undefined && value !== null);
  const holder = isRecord(nested) ? { ...part, ...nested } : part;
  const mime = stringAt(holder, 'mime_type', 'mimeType', 'media_type', 'mediaType', 'contentType', 'format');
  const reference =
    (typeof nested === 'string' ? nested : undefined) ??
    stringAt(holder, 'url', 'uri', 'file_id', 'data', 'content', 'file_data', 'file_uri');
  if (reference === undefined) return null;
  const modality = stringAt(part, 'modality') ?? /image|audio|video/.exec(`${type} ${mime ?? ''}`)?.[0];
  return mediaPart(modality ?? mime ?? type, reference);
}

function mediaPart(kind: string | undefined, reference: string | undefined): MessagePart {
  const modality = /image|audio|video/.exec(kind ?? '')?.[0] ?? 'file';
  return { type: 'media', modality, reference: mediaReference(reference ?? '') };
}

/** Bytes are never kept: a data URL or raw base64 becomes its hash. */
function mediaReference(reference: string): string {
  if (/^[a-z][a-z0-9+.-]{1,30}:\/\//i.test(reference)) return reference.slice(0, REFERENCE_CHARACTERS_MAX);
  if (!reference.startsWith('data:') && reference.length <= 128) return reference;
  return sha256(reference);
}

function plainText(parts: readonly MessagePart[]): string {
  return parts.map((part) => (part.type === 'text' || part.type === 'reasoning' ? part.text : '')).join('\n');
}
