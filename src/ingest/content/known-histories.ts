/**
 * Conversations repeat their history in every call, byte by byte. Where a span's messages begin
 * with those of an earlier span, that beginning is replaced by one message that stands for the list
 * it was packed into: it need not be decoded, parsed, hashed or looked up again.
 * Only for `gen_ai.input.messages`, whose messages are read one by one, whatever is beside them.
 */

import { randomUUID } from 'node:crypto';
import type { Message } from '../../contract/invocation.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { bytesOf, textOf } from '../../otlp/attributes.ts';
import type { OtlpSpan } from '../../otlp/model.ts';
import { instructionsBefore, type ContentSpace } from './content-space.ts';
import type { ListNode } from './message-lists.ts';
import type { Outbox } from './outbox.ts';

/** A list that a text stands for, and the text of the message that stands for it. */
export interface KnownHistory {
  readonly handle: string;
  readonly node: ListNode;
  readonly space: ContentSpace;
}

interface Remembered {
  /** UTF-8 of the whole JSON array without its closing bracket; as much of it as `length` says. */
  bytes: Buffer;
  length: number;
  /** The leading instructions as JSON, with a comma behind; empty when there are none. */
  head: string;
  handle: string;
  /** By its hash: the list itself is for `MessageLists` to forget, and hangs on all of its tree. */
  list: ContentHash;
  space: ContentSpace;
}

export interface Shortened {
  readonly span: OtlpSpan;
  readonly history: KnownHistory;
  readonly remembered: Remembered;
}

const ATTRIBUTE = 'gen_ai.input.messages';
const CONVERSATION = 'gen_ai.conversation.id';
// Parsing less than this is as fast as looking it up.
const BYTES_MIN = 2_048;
const BYTES_MAX = 1024 * 1024;
// With the room that they grow into, in each of two generations.
const REMEMBERED_BYTES_MAX = 48 * 1024 * 1024;
const ROOM = 1.5;
// Without a conversation id the beginning tells conversations apart.
const KEY_BYTES = 1_024;
// What follows a history must be a message of its own: some forms join neighbours.
const NEXT_MESSAGE = ',{"role":"';
const ARRAY_START = Buffer.from('[{');
const ARRAY_END = Buffer.from('}]');

export class KnownHistories {
  readonly #byKey = new GenerationalCache<string, Remembered>(REMEMBERED_BYTES_MAX);
  /** Nobody outside can write a text that is taken for a handle. */
  readonly #nonce = randomUUID();
  #handles = 0;

  /**
   * The span with what is known of its history replaced, or null. What the history's messages refer to is in
   * `outbox` then, as far as it is not stored.
   */
  shorten(span: OtlpSpan, outbox: Outbox): Shortened | null {
    const bytes = messagesBytes(span);
    if (bytes === null) return null;
    const known = this.#knownBefore(span, bytes);
    if (known === null) return null;
    const rest = bytes.toString('utf8', known.length);
    if (!rest.startsWith(NEXT_MESSAGE)) return null;
    const { handle, list, space } = known;
    const node = space.lists.at(list);
    if (node === undefined || !space.carryTexts(node, outbox)) return null;
    const stand = JSON.stringify(textMessage('user', handle));
    const attributes = new Map(span.attributes);
    attributes.set(ATTRIBUTE, `[${known.head}${stand}${rest}`);
    return { span: { ...span, attributes }, history: { handle, node, space }, remembered: known };
  }

  /**
   * `input`: the messages as they were read; `list`: what they were packed into; `from`: what the
   * span was shortened by.
   */
  remember(span: OtlpSpan, input: readonly Message[], list: ContentHash, space: ContentSpace, from?: Shortened): void {
    const bytes = messagesBytes(span);
    if (bytes === null || !isArrayOfObjects(bytes)) return;
    const head = headOf(input.slice(0, instructionsBefore(input)));
    if (head === null) return;
    this.#handles += 1;
    const handle = `\u0001h${this.#nonce}${this.#handles}`;
    const key = keyOf(span, bytes);
    const length = bytes.length - 1;
    const known = from?.remembered;
    if (known === undefined) {
      const remembered = { bytes: withRoom(bytes, length), length, head, handle, list, space };
      this.#byKey.set(key, remembered, remembered.bytes.length);
      return;
    }
    const before = known.bytes.length;
    extend(known, bytes, length);
    Object.assign(known, { head, handle, list, space });
    this.#byKey.set(key, known, known.bytes.length - before);
  }

  /** What is remembered of the span's conversation, if that is how its messages begin. */
  #knownBefore(span: OtlpSpan, bytes: Buffer): Remembered | null {
    const key = keyOf(span, bytes);
    const known = this.#byKey.get(key, (remembered) => remembered.bytes.length);
    if (known === undefined || bytes.length <= known.length) return null;
    return bytes.compare(known.bytes, 0, known.length, 0, known.length) === 0 ? known : null;
  }
}

function messagesBytes({ attributes }: OtlpSpan): Buffer | null {
  const bytes = bytesOf(attributes.get(ATTRIBUTE));
  return bytes === undefined || bytes.length < BYTES_MIN || bytes.length > BYTES_MAX ? null : bytes;
}

function keyOf({ attributes }: OtlpSpan, bytes: Buffer): string {
  return textOf(attributes.get(CONVERSATION)) ?? bytes.toString('latin1', 0, KEY_BYTES);
}

function isArrayOfObjects(bytes: Buffer): boolean {
  return bytes.subarray(0, 2).equals(ARRAY_START) && bytes.subarray(-2).equals(ARRAY_END);
}

/** A copy of the first `length` bytes that can grow: the next turn only adds its own. */
function withRoom(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(Math.ceil(length * ROOM));
  bytes.copy(copy, 0, 0, length);
  return copy;
}

function extend(known: Remembered, bytes: Buffer, length: number): void {
  if (length > known.bytes.length) known.bytes = withRoom(bytes, length);
  else bytes.copy(known.bytes, known.length, known.length, length);
  known.length = length;
}

/** Null for instructions that are more than text: then there is nothing to gain. */
function headOf(messages: readonly Message[]): string | null {
  let head = '';
  for (const { role, parts } of messages) {
    const [only] = parts;
    if (parts.length !== 1 || only?.type !== 'text') return null;
    head += `${JSON.stringify(textMessage(role, only.text))},`;
  }
  return head;
}

/** As the semantic conventions write it. */
function textMessage(role: string, content: string): object {
  return { role, parts: [{ type: 'text', content }] };
}
