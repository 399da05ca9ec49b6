/**
 * Messages as events: span events of 1.26 and 1.27 (`gen_ai.content.prompt`), message events of
 * 1.28 to 1.36 as span events (Azure) or as log records (OpenTelemetry, Elastic), and exceptions.
 */

import type { Message } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { plain, text } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpEvent } from '../otlp/model.ts';
import type { LogInput, Reading } from './dialect.ts';
import {
  type JsonRecord,
  isArray,
  isCutJson,
  isRecord,
  jsonOf,
  looksLikeJson,
  parseJson,
  recordAt,
  recordOf,
  stringAt,
} from './json-text.ts';
import { markIncomplete } from './incomplete.ts';
import { type ReadMessages, finishReasonsIn, messagesOf, readMessage } from './messages.ts';
import { finishReason } from './names.ts';
import { readParts } from './parts.ts';

/** A call's whole content, mostly as a log record. */
export const DETAILS_EVENT = 'gen_ai.client.inference.operation.details';
// The last is Semantic Kernel's in .NET.
const MESSAGE_EVENT = /^gen_ai\.(?:(system|user|assistant|tool)\.message|tool\.developer)$/;
const CHOICE_EVENT = 'gen_ai.choice';

export function isMessageEvent(name: string): boolean {
  return name === CHOICE_EVENT || MESSAGE_EVENT.test(name);
}

/** One record is one message, structured or as JSON text. A body without content says only that there was one: null. */
export function readMessageEvent({ log, eventName }: LogInput): Reading | null {
  const body = jsonOf(log.body);
  return isRecord(body) ? readEvent(eventName, body) : null;
}

function readEvent(name: string, body: JsonRecord): Reading | null {
  const reading: Reading = { role: 'detail' };
  if (name === CHOICE_EVENT) {
    const { message } = body;
    // Nothing but texts fits into the attributes of a span event: there it is what the message says.
    const said = typeof message === 'string' || isArray(message) ? { content: message } : message;
    const output = readMessage(isRecord(said) ? said : body, 'assistant').filter(hasContent);
    if (output.length > 0) reading.output = output;
    const reason = stringAt(body, 'finish_reason');
    if (reason !== undefined) reading.finishReasons = [finishReason(reason)];
  } else {
    // Gemini's content says itself whose it is.
    const role = stringAt(recordOf(body, 'content'), 'role') ?? MESSAGE_EVENT.exec(name)?.[1] ?? 'developer';
    // The event's name is the role; a body without content is the shape of "content not captured".
    const input = readMessage({ role, ...body }, role).filter(hasContent);
    if (input.length > 0) reading.input = input;
  }
  return reading.input === undefined && reading.output === undefined && reading.finishReasons === undefined
    ? null
    : reading;
}

function hasContent(message: Message): boolean {
  return message.parts.some((part) => part.type !== 'tool_call_response' || part.result !== null);
}

/** Span events with whole messages: the attributes for what was asked and what was answered. */
const CONTENT_EVENTS = new Map<string, readonly [string | undefined, string | undefined]>([
  ['gen_ai.content.prompt', ['gen_ai.prompt', undefined]],
  ['gen_ai.content.completion', [undefined, 'gen_ai.completion']],
  [DETAILS_EVENT, ['gen_ai.input.messages', 'gen_ai.output.messages']],
]);

/** Adds what a span's own events say; what attributes said already stays. */
export function readSpanEvents(reading: Reading, events: readonly OtlpEvent[]): void {
  const input: Message[] = [];
  const output: Message[] = [];
  const reasons: string[] = [];
  for (const event of events) {
    const [asked, answered] = CONTENT_EVENTS.get(event.name) ?? [];
    if (asked !== undefined) addRead(input, messagesOf(event.attributes.get(asked), 'user'), reading);
    if (answered !== undefined) {
      const read = messagesOf(event.attributes.get(answered), 'assistant');
      addRead(output, read, reading);
      add(reasons, finishReasonsIn(read));
    }
    if (event.name === DETAILS_EVENT) readInstructions(reading, event.attributes);
    if (isMessageEvent(event.name)) {
      const said = readEvent(event.name, eventBody(event));
      add(input, said?.input);
      add(output, said?.output);
      add(reasons, said?.finishReasons);
    }
  }
  if (output.length === 0 && isAnswered(reading)) output.push(...takeAnswer(input));
  if (input.length > 0) reading.input ??= input;
  if (output.length > 0) reading.output ??= output;
  if (reasons.length > 0) reading.finishReasons ??= reasons;
}

function isAnswered({ tokens }: Reading): boolean {
  return (tokens?.output ?? 0) > 0;
}

/** For Azure's agents an answer is no choice but a message like the others, the last. */
function takeAnswer(input: Message[]): Message[] {
  return input.splice(input.findLastIndex(({ role }) => role !== 'assistant') + 1);
}

/** The second is of Bifrost. */
const INSTRUCTIONS = ['gen_ai.system_instructions', 'gen_ai.request.instructions'];

/** Of a span, a span event or a log record; what is known already stays. */
export function readInstructions(reading: Reading, attributes: OtlpAttributes): void {
  const key = INSTRUCTIONS.find((one) => attributes.has(one));
  if (key === undefined || reading.system !== undefined) return;
  const [json, written] = [jsonOf(attributes.get(key)), text(attributes, key)];
  const parts = readParts(json ?? written);
  if (parts.length > 0) reading.system = [{ role: 'system', parts }];
  if (json === undefined && written !== undefined && isCutJson(written)) markIncomplete(reading, 'content_truncated');
}

function addRead(list: Message[], read: ReadMessages | undefined, reading: Reading): void {
  add(list, read?.messages);
  if (read?.isTruncated === true) markIncomplete(reading, 'content_truncated');
}

/** One by one: a list may be longer than a call may have arguments. */
function add<Item>(list: Item[], items: readonly Item[] | undefined): void {
  for (const item of items ?? []) list.push(item);
}

/**
 * Azure puts the body as JSON into `gen_ai.event.content`; others use the event's attributes, of which
 * content in parts is JSON text.
 */
function eventBody(event: OtlpEvent): JsonRecord {
  const content = recordAt(event.attributes, 'gen_ai.event.content');
  if (content !== undefined) return content;
  const bare = text(event.attributes, 'gen_ai.event.content');
  const attributes = plain(event.attributes);
  if (bare !== undefined || !isRecord(attributes)) return { content: bare ?? null };
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, partsOf(value)]));
}

function partsOf(value: Json): Json {
  if (typeof value !== 'string' || !looksLikeJson(value)) return value;
  const parsed = parseJson(value);
  return isArray(parsed) && parsed.every((part) => isRecord(part) && PART_KEYS.some((key) => key in part))
    ? parsed
    : value;
}

const PART_KEYS = ['type', 'text', 'toolUse', 'toolResult', 'cachePoint', 'image', 'document', 'video'];
