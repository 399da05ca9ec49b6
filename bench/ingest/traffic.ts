/**
 * Generated but realistic traffic: conversations whose every call repeats the system prompt and all
 * earlier messages, interleaved over services, in batches as an SDK or a collector sends them.
 * The same seed gives the same bytes.
 */

import { keyValue, Writer } from './protobuf.ts';

export interface TrafficOptions {
  readonly seed: number;
  /** When the first call began, since 1970. */
  readonly startMs: number;
  readonly spans: number;
  /** What the spans of a conversation come to on average. */
  readonly spanBytes: number;
  readonly spansPerRequest: number;
  /** Takes the naive form of each call: one JSON row with all its messages, as most collectors store it. */
  readonly onNaiveRow: (row: string) => void;
}

/** A prompt that calls are rendered from. */
export interface PromptTemplate {
  readonly name: string;
  /** Mustache. */
  readonly template: string;
}

export interface Traffic {
  readonly prompts: readonly PromptTemplate[];
  readonly bodies: readonly Buffer[];
  readonly calls: number;
  readonly spans: number;
  readonly bytes: number;
}

interface Message {
  readonly role: string;
  readonly parts: readonly { readonly type: 'text'; readonly content: string }[];
}

interface Conversation {
  readonly id: string;
  readonly system: string;
  readonly service: number;
  readonly messages: Message[];
  readonly turnsMax: number;
}

const PROMPTS = 24;
const SERVICES = 6;
const RUNNING = 500;
const WORDS = vocabulary();

export function makeTraffic(options: TrafficOptions): Traffic {
  const random = randomFrom(options.seed);
  const shape = shapeOf(options.spanBytes);
  const prompts = Array.from({ length: PROMPTS }, () => sentence(random, shape.systemWords));
  const running: Conversation[] = [];
  const bodies: Buffer[] = [];
  let batch: { service: number; span: Buffer }[] = [];
  let clock = BigInt(options.startMs) * 1_000_000n;
  let spans = 0;
  let calls = 0;
  const flush = (): void => {
    if (batch.length > 0) bodies.push(requestOf(batch));
    batch = [];
  };
  const add = (service: number, bytes: Buffer): void => {
    spans += 1;
    batch.push({ service, span: bytes });
    if (batch.length === options.spansPerRequest) flush();
  };
  while (spans < options.spans) {
    while (running.length < RUNNING) running.push(newConversation(random, prompts, shape.turns));
    const index = Math.floor(random() * running.length);
    const conversation = running[index] as Conversation;
    const turn = nextTurn(random, conversation, shape.messageWords);
    clock += BigInt(Math.floor(random() * 1_000_000));
    const traceId = randomHex(random, 16);
    const rootId = randomHex(random, 8);
    const row = { conversation, ...turn, traceId, spanId: randomHex(random, 8), rootId, startNanos: clock };
    add(conversation.service, callSpan(row));
    // Every fourth call is made by an agent or behind a route, whose span arrives after it.
    if (calls % 4 === 0) add(conversation.service, rootSpan(row));
    options.onNaiveRow(naiveRow(row));
    calls += 1;
    conversation.messages.push(textMessage('assistant', turn.answer));
    if (conversation.messages.length >= conversation.turnsMax * 2) running.splice(index, 1);
  }
  flush();
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  return { prompts: prompts.map(templateOf), bodies, calls, spans, bytes };
}

interface Shape {
  readonly systemWords: number;
  readonly messageWords: number;
  readonly turns: number;
}

/** Long spans come from long conversations; short ones from single questions. */
function shapeOf(spanBytes: number): Shape {
  if (spanBytes < 3_000) return { systemWords: 40, messageWords: 12, turns: 2 };
  if (spanBytes < 20_000) return { systemWords: 250, messageWords: 40, turns: 12 };
  return { systemWords: 600, messageWords: 90, turns: 60 };
}

/** Half of the prompts have a variable in them. */
function templateOf(text: string, index: number): PromptTemplate {
  return { name: `bench.p${index}`, template: index % 2 === 0 ? text : `${text} The customer is {{customer}}` };
}

function newConversation(random: () => number, prompts: readonly string[], turns: number): Conversation {
  const prompt = Math.floor(random() * prompts.length);
  const { template } = templateOf(prompts[prompt] as string, prompt);
  return {
    id: randomHex(random, 8),
    system: template.replace('{{customer}}', () => sentence(random, 2)),
    service: prompt % SERVICES,
    messages: [],
    turnsMax: turns,
  };
}

function nextTurn(random: () => number, conversation: Conversation, words: number): { answer: string } {
  const spread = (): number => Math.max(3, Math.round(words * (0.4 + random() * 1.2)));
  conversation.messages.push(textMessage('user', sentence(random, spread())));
  return { answer: sentence(random, spread()) };
}

interface Row {
  readonly conversation: Conversation;
  readonly answer: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly rootId: string;
  readonly startNanos: bigint;
}

function attributesOf({ conversation, answer }: Row): [string, string | number][] {
  const input = JSON.stringify(conversation.messages);
  return [
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.provider.name', 'openai'],
    ['gen_ai.request.model', 'gpt-4o'],
    ['gen_ai.response.model', 'gpt-4o-2024-08-06'],
    ['gen_ai.conversation.id', conversation.id],
    ['gen_ai.request.max_tokens', 1_024],
    ['server.address', 'api.openai.com'],
    ['server.port', 443],
    ['gen_ai.usage.input_tokens', Math.ceil((input.length + conversation.system.length) / 4)],
    ['gen_ai.usage.output_tokens', Math.ceil(answer.length / 4)],
    ['gen_ai.system_instructions', JSON.stringify([{ type: 'text', content: conversation.system }])],
    ['gen_ai.input.messages', input],
    ['gen_ai.output.messages', JSON.stringify([{ ...textMessage('assistant', answer), finish_reason: 'stop' }])],
  ];
}

function callSpan(row: Row): Buffer {
  const attributes = attributesOf(row);
  attributes.push(['gen_ai.response.id', `chatcmpl-${row.spanId}`]);
  return span(row.traceId, row.spanId, row.rootId, 'chat gpt-4o', row.startNanos, attributes);
}

function rootSpan(row: Row): Buffer {
  return span(row.traceId, row.rootId, '', 'POST /chat', row.startNanos - 1_000_000n, [
    ['http.request.method', 'POST'],
    ['http.route', '/chat'],
    ['gen_ai.operation.name', 'invoke_agent'],
    ['gen_ai.agent.name', 'support'],
  ]);
}

function span(
  traceId: string,
  spanId: string,
  parentId: string,
  name: string,
  startNanos: bigint,
  attributes: readonly [string, string | number][],
): Buffer {
  const writer = new Writer().bytes(1, Buffer.from(traceId, 'hex')).bytes(2, Buffer.from(spanId, 'hex'));
  if (parentId !== '') writer.bytes(4, Buffer.from(parentId, 'hex'));
  writer
    .bytes(5, name)
    .varint(6, 3)
    .fixed64(7, startNanos)
    .fixed64(8, startNanos + 800_000_000n);
  for (const [key, value] of attributes) writer.bytes(9, keyValue(key, value));
  return writer.finish();
}

function requestOf(batch: readonly { service: number; span: Buffer }[]): Buffer {
  const request = new Writer();
  for (let service = 0; service < SERVICES; service += 1) {
    const spans = batch.filter((item) => item.service === service);
    if (spans.length === 0) continue;
    const resource = new Writer()
      .bytes(1, keyValue('service.name', `service-${service}`))
      .bytes(1, keyValue('service.instance.id', `service-${service}-1`))
      .bytes(1, keyValue('deployment.environment.name', 'production'));
    const scope = new Writer().bytes(1, new Writer().bytes(1, 'bench').finish());
    for (const item of spans) scope.bytes(2, item.span);
    request.bytes(1, new Writer().bytes(1, resource.finish()).bytes(2, scope.finish()).finish());
  }
  return request.finish();
}

function naiveRow(row: Row): string {
  const { traceId, spanId } = row;
  return `${JSON.stringify({ trace_id: traceId, span_id: spanId, attributes: Object.fromEntries(attributesOf(row)) })}\n`;
}

function textMessage(role: string, content: string): Message {
  return { role, parts: [{ type: 'text', content }] };
}

function sentence(random: () => number, words: number): string {
  const chosen = Array.from({ length: words }, () => WORDS[Math.floor(random() ** 2 * WORDS.length)] as string);
  return `${chosen.join(' ')}.`;
}

/** Four thousand pronounceable words; the first are used most, as in a language. */
function vocabulary(): string[] {
  const random = randomFrom(7);
  const syllables = [
    'ba',
    'con',
    'der',
    'el',
    'fi',
    'gra',
    'ho',
    'in',
    'ja',
    'ko',
    'lu',
    'mi',
    'nor',
    'op',
    'per',
    'qui',
  ];
  return Array.from({ length: 4_000 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => syllables[Math.floor(random() * syllables.length)]).join(
      '',
    ),
  );
}

function randomHex(random: () => number, bytes: number): string {
  return Array.from({ length: bytes }, () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
