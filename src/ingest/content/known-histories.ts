/**
 * Conversations repeat their history in every call, letter by letter. Where the text of a span's
 * messages begins with the text of an earlier span's, that beginning is replaced by one message
 * that stands for the list it was packed into: it need not be parsed, hashed or looked up again.
 * Only for `gen_ai.input.messages`, whose messages are read one by one, whatever is beside them.
 */

import { randomUUID } from 'node:crypto';
import type { Message } from '../../contract/invocation.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { textOf } from '../../otlp/attributes.ts';
import type { OtlpSpan } from '../../otlp/model.ts';
import type { ContentSpace } from './content-space.ts';
import type { ListNode } from './message-lists.ts';

/** A list that a text stands for, and the text of the message that stands for it. */
export interface KnownHistory {
  readonly handle: string;
  readonly node: ListNode;
  readonly space: ContentSpace;
}

interface Remembered {
  /** The whole JSON array without its closing bracket. */
  readonly text: string;
  /** The leading instructions as JSON, with a comma behind; empty when there are none. */
  readonly head: string;
  readonly history: KnownHistory;
}

export interface Shortened {
  readonly span: OtlpSpan;
  readonly history: KnownHistory;
}

const ATTRIBUTE = 'gen_ai.input.messages';
const CONVERSATION = 'gen_ai.conversation.id';
// Parsing less than this is as fast as looking it up.
const TEXT_CHARACTERS_MIN = 2_048;
const TEXT_CHARACTERS_MAX = 1024 * 1024;
const REMEMBERED_CHARACTERS_MAX = 24 * 1024 * 1024;
// Without a conversation id the beginning tells conversations apart.
const KEY_CHARACTERS = 1_024;
// What follows a history must be a message of its own: some forms join neighbours.
const NEXT_MESSAGE = ',{"role":"';

export class KnownHistories {
  readonly #byKey = new GenerationalCache<string, Remembered>(REMEMBERED_CHARACTERS_MAX);
  /** Nobody outside can write a text that is taken for a handle. */
  readonly #nonce = randomUUID();
  #handles = 0;

  /** The span with what is known of its history replaced, or null. */
  shorten(span: OtlpSpan): Shortened | null {
    const text = messagesText(span);
    if (text === null) return null;
    const known = this.#byKey.get(keyOf(span, text), text.length);
    if (known === undefined || text.length <= known.text.length) return null;
    // Comparing a part as a whole is many times faster than `startsWith`.
    if (text.substring(0, known.text.length) !== known.text) return null;
    const rest = text.substring(known.text.length);
    if (!rest.startsWith(NEXT_MESSAGE)) return null;
    const stand = JSON.stringify(textMessage('user', known.history.handle));
    const attributes = new Map(span.attributes);
    attributes.set(ATTRIBUTE, `[${known.head}${stand}${rest}`);
    return { span: { ...span, attributes }, history: known.history };
  }

  /** `input`: the messages as they were read, in full or with a history; `node`: the list they were packed into. */
  remember(span: OtlpSpan, input: readonly Message[], node: ListNode, headLength: number, space: ContentSpace): void {
    const text = messagesText(span);
    if (text === null || !text.startsWith('[{') || !text.endsWith('}]')) return;
    const head = headOf(input.slice(0, headLength));
    if (head === null) return;
    this.#handles += 1;
    const history = { handle: `\u0001h${this.#nonce}${this.#handles}`, node, space };
    this.#byKey.set(keyOf(span, text), { text: text.slice(0, -1), head, history }, text.length);
  }
}

function messagesText({ attributes }: OtlpSpan): string | null {
  const text = textOf(attributes.get(ATTRIBUTE));
  if (text === undefined || text.length < TEXT_CHARACTERS_MIN || text.length > TEXT_CHARACTERS_MAX) return null;
  return text;
}

function keyOf({ attributes }: OtlpSpan, text: string): string {
  return textOf(attributes.get(CONVERSATION)) ?? text.substring(0, KEY_CHARACTERS);
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
