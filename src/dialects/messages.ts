/**
 * Messages in whatever form an SDK or a provider writes them: lists of messages, request bodies,
 * response bodies, serialised LangChain objects, bare texts.
 */

import type { Message, MessagePart } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { textOf } from '../otlp/attributes.ts';
import type { OtlpValue } from '../otlp/model.ts';
import type { Reading } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import {
  type JsonRecord,
  isArray,
  isCutJson,
  isRecord,
  jsonOf,
  looksLikeJson,
  parseJson,
  stringAt,
} from './json-text.ts';
import { isStandIn, readParts, readToolCall, textPart, toolResponse } from './parts.ts';
import { finishReasons, roleName } from './names.ts';

export interface ReadMessages {
  readonly messages: readonly Message[];
  /** What they were read from; a bare text as it is. */
  readonly json: Json;
  /** The text was cut off in the middle of its JSON, and is kept as it came, under the role `unknown`. */
  readonly isTruncated: boolean;
}

/**
 * Messages of an attribute, structured or as JSON text. A text that is no JSON is one message of
 * `role`. Undefined when there is nothing in it. `parsed` is what of it is to be read, where its
 * JSON was parsed before.
 */
export function messagesOf(value: OtlpValue | undefined, role: string, parsed?: Json): ReadMessages | undefined {
  if (value === undefined || value === null) return undefined;
  if (parsed !== undefined) return messagesIn(parsed, role);
  const text = textOf(value);
  const json = text !== undefined && !looksLikeJson(text) ? text : jsonOf(value);
  if (json !== undefined || text === undefined) return messagesIn(json, role);
  if (!isCutJson(text)) return messagesIn(text, role);
  return { messages: [{ role: 'unknown', parts: [textPart(text)] }], json: text, isTruncated: true };
}

function messagesIn(json: Json | undefined, role: string): ReadMessages | undefined {
  const messages = readMessages(json, role);
  return messages.length === 0 ? undefined : { messages, json: json ?? null, isTruncated: false };
}

/** Some emitters say only in the messages why they end, or in a response's body; most say it beside them as well. */
export function finishReasonsIn(read: ReadMessages | undefined): readonly string[] | undefined {
  const json = isRecord(read?.json) ? read.json['choices'] : read?.json;
  if (!isArray(json)) return undefined;
  return finishReasons(
    json.flatMap((message) => (isRecord(message) ? (stringAt(message, 'finish_reason') ?? []) : [])),
  );
}

/** Puts what was read where it belongs, and says so where it was cut off. */
export function addMessages(reading: Reading, side: 'input' | 'output', read: ReadMessages | undefined): void {
  if (read === undefined) return;
  reading[side] = read.messages;
  if (read.isTruncated) markIncomplete(reading, 'content_truncated');
}

/**
 * Never throws; what it can't recognise becomes a text. Messages without any part are left out. Of
 * the role `assistant` it is what a model answered, which may be JSON with a `messages` or `input` of
 * its own: then nothing is read as the body of a request.
 */
export function readMessages(json: Json | undefined, role: string): Message[] {
  if (json === undefined || json === null) return [];
  if (isArray(json)) return readList(json, role);
  if (!isRecord(json)) return withParts(role, readParts(json));
  return readBody(json, role) ?? readMessage(json, role);
}

function readList(list: readonly Json[], role: string): Message[] {
  if (!list.some(isMessageLike)) return withParts(role, readParts(list));
  const messages: Message[] = [];
  for (const item of list) {
    for (const message of readItem(item, role)) {
      const last = messages.at(-1);
      // The responses API lists reasoning, text and calls of one turn as items of their own.
      if (isItem(item) && last !== undefined && last.role === message.role && message.role === 'assistant') {
        messages[messages.length - 1] = { role: last.role, parts: [...last.parts, ...message.parts] };
      } else messages.push(message);
    }
  }
  return messages;
}

/** Kong sends the response's body, in a list of messages; tRPC-Agent-Go its choices. */
function readItem(item: Json, role: string): Message[] {
  if (!isRecord(item) || isRecords(item['choices'])) return readMessages(item, role);
  return isChoice(item) ? readChoice(item) : readMessage(item, role);
}

function isChoice(json: JsonRecord): boolean {
  return isRecord(json['message']) && 'index' in json && !('role' in json);
}

const ITEM_TYPES = new Set(['message', 'function_call', 'function_call_output', 'reasoning']);

function isItem(json: Json): boolean {
  return isRecord(json) && !('role' in json && json['type'] === undefined) && ITEM_TYPES.has(typeOf(json));
}

function typeOf(json: JsonRecord): string {
  return typeof json['type'] === 'string' ? json['type'] : '';
}

function isMessageLike(json: Json): boolean {
  if (isArray(json)) return json.some(isMessageLike);
  if (!isRecord(json)) return false;
  return (
    'role' in json ||
    'parts' in json ||
    'lc' in json ||
    'tool_calls' in json ||
    'choices' in json ||
    isChoice(json) ||
    isItem(json) ||
    LANGCHAIN_TYPES.has(typeOf(json)) ||
    (isArray(json['content']) && json['type'] === undefined)
  );
}

/** Bodies of requests and responses; undefined when it is neither. */
function readBody(body: JsonRecord, role: string): Message[] | undefined {
  // A question for people has choices too, and a vote has candidates: theirs are texts.
  if (isRecords(body['choices'])) return body['choices'].flatMap(readChoice);
  if (isArray(body['generations'])) return flatten(body['generations']).flatMap((item) => readGeneration(item));
  if (isRecords(body['candidates'])) {
    return body['candidates'].flatMap((item) => readMessages(item['content'], 'assistant'));
  }
  // A response body of the responses API also repeats its instructions; what it says is its output.
  if (isArray(body['output']) && 'object' in body) return readList(body['output'], 'assistant');
  if (role === 'assistant') return isRecord(body['message']) ? readMessage(body['message'], role) : undefined;
  const system = [body['system'], body['instructions'], body['systemInstruction'], body['system_instruction']].flatMap(
    (json) => withParts('system', readParts(json)),
  );
  const conversation = body['messages'] ?? body['contents'] ?? (isConversation(body) ? body['input'] : undefined);
  if (conversation !== undefined || 'prompt' in body) {
    const said = readMessages(isArray(conversation) ? flatten(conversation) : conversation, role);
    const prompt = readMessages(body['prompt'], role);
    return [...system, ...said, ...prompt];
  }
  if (isRecord(body['message'])) return readMessage(body['message'], role);
  return undefined;
}

function isRecords(json: Json | undefined): json is readonly JsonRecord[] {
  return isArray(json) && json.every(isRecord);
}

function isConversation(body: JsonRecord): boolean {
  return 'input' in body && !('name' in body) && !('role' in body);
}

function readChoice(choice: JsonRecord): Message[] {
  if (typeof choice['text'] === 'string') return withParts('assistant', readParts(choice['text']));
  const message = choice['message'] ?? choice['delta'];
  return isRecord(message) ? readMessage(message, 'assistant') : [];
}

/** LangChain's result: generations[prompt][candidate] = { text, message }. */
function readGeneration(item: Json): Message[] {
  if (!isRecord(item)) return [];
  return isRecord(item['message'])
    ? readMessage(item['message'], 'assistant')
    : readMessages(item['text'], 'assistant');
}

function flatten(list: readonly Json[]): readonly Json[] {
  return list.flatMap((item) => (isArray(item) ? item : [item]));
}

const LANGCHAIN_TYPES = new Set(['human', 'ai', 'system', 'tool', 'function', 'developer']);
const LANGCHAIN_CLASS = /^(Human|AI|System|Tool|Function|Chat)Message(?:Chunk)?$/;

export function readMessage(json: JsonRecord, fallbackRole: string): Message[] {
  if (isRecord(json['kwargs']) && isArray(json['id'])) {
    const name = json['id'].at(-1);
    const role = typeof name === 'string' ? LANGCHAIN_CLASS.exec(name)?.[1] : undefined;
    return readMessage(json['kwargs'], role === undefined || role === 'Chat' ? fallbackRole : roleName(role));
  }
  const type = typeOf(json);
  const role = roleName(
    stringAt(json, 'role') ?? (LANGCHAIN_TYPES.has(type) ? type : undefined) ?? itemRole(type) ?? fallbackRole,
  );
  if (type === 'function_call_output') return withParts('tool', readParts(json));
  if (type === 'function_call' || type === 'reasoning') return withParts(role, readParts(json));
  const toolCallId = stringAt(json, 'tool_call_id', 'toolCallId');
  if (toolCallId !== undefined || isBareToolMessage(role, json)) {
    if (isStandIn(json['content'])) return [];
    const id = toolCallId ?? (role === 'tool' ? stringAt(json, 'id') : undefined);
    return [{ role: 'tool', parts: [toolResponse(id, json['content'])] }];
  }
  if (!hasContent(json)) {
    return Object.keys(json).length === 0 ? [] : [{ role, parts: [textPart(JSON.stringify(json))] }];
  }
  const parts = readParts(json['parts'] ?? json['content'] ?? stringAt(json, 'text'));
  const reasoning = reasoningOf(json);
  const calls = toolCallsOf(json, parts);
  if (reasoning.length === 0 && calls.length === 0) return withParts(role, parts);
  return withParts(role, [...reasoning, ...parts, ...calls]);
}

/** An object with nothing of this is not a message but somebody's own data: kept as text. */
function hasContent(json: JsonRecord): boolean {
  return (
    'parts' in json ||
    'content' in json ||
    'role' in json ||
    'tool_calls' in json ||
    'toolCalls' in json ||
    'function_call' in json ||
    'reasoning_content' in json
  );
}

function itemRole(type: string): string | undefined {
  return type === 'function_call' || type === 'reasoning' ? 'assistant' : undefined;
}

/** A tool's answer as a bare string; in parts it already says what it is. */
function isBareToolMessage(role: string, json: JsonRecord): boolean {
  return role === 'tool' && typeof json['content'] === 'string' && json['parts'] === undefined;
}

const NO_PARTS: readonly MessagePart[] = [];

function reasoningOf(json: JsonRecord): readonly MessagePart[] {
  const text = stringAt(json, 'reasoning_content', 'reasoning');
  return text === undefined ? NO_PARTS : [{ type: 'reasoning', text }];
}

/** Some emitters repeat in `tool_calls` what the content's parts already hold; where only texts fit, each is JSON. */
function toolCallsOf(json: JsonRecord, parts: readonly MessagePart[]): readonly MessagePart[] {
  const calls = json['tool_calls'] ?? json['toolCalls'];
  if (!isArray(calls)) return isRecord(json['function_call']) ? [readToolCall(json['function_call'])] : NO_PARTS;
  const known = new Set(parts.map((part) => (part.type === 'tool_call' ? part.id : null)));
  return calls
    .map((call) => (typeof call === 'string' ? parseJson(call) : call))
    .filter(isRecord)
    .map(readToolCall)
    .filter((call) => call.type !== 'tool_call' || call.id === null || !known.has(call.id));
}

/** Anthropic and some instrumentations give a tool's answers to the user; they are the tool's. */
function withParts(role: string, parts: readonly MessagePart[]): Message[] {
  if (parts.length === 0) return [];
  return [{ role: parts.every(({ type }) => type === 'tool_call_response') ? 'tool' : role, parts }];
}
