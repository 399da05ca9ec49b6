/**
 * Packed messages: long texts are references, and the same message is the same object wherever it
 * occurs, so that a history of a hundred messages costs a hundred pointers.
 */

import { hash as digest } from 'node:crypto';
import type { Message, MessagePart } from '../../contract/invocation.ts';
import type { Json } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import type { StoredText, TextMemory } from './texts.ts';

/** What `MessageMemory` knows of a packed message. */
export interface PackedMessage {
  readonly json: string;
  /** SHA-256 of `json`, hex. */
  readonly key: string;
}

// JSON of packed messages is short: about a hundred characters each.
const REMEMBERED_JSON_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Called for each text that a packed value refers to. */
export type OnText = (text: StoredText) => void;

export class MessageMemory {
  readonly #texts: TextMemory;
  readonly #byJson = new GenerationalCache<string, Message>(REMEMBERED_JSON_CHARACTERS_MAX);
  readonly #byShortText = new GenerationalCache<string, Message>(REMEMBERED_JSON_CHARACTERS_MAX);
  readonly #packed = new WeakMap<Message, PackedMessage>();

  constructor(texts: TextMemory) {
    this.#texts = texts;
  }

  /** A sender's message to the packed one. */
  pack(message: Message, onText: OnText): Message {
    const [only] = message.parts;
    if (message.parts.length === 1 && only?.type === 'text') return this.#packText(message.role, only.text, onText);
    return this.#intern({ role: message.role, parts: message.parts.map((part) => this.#packPart(part, onText)) });
  }

  /** The JSON and key of a packed message. Settling may have made a new object of known parts. */
  describe(message: Message): PackedMessage {
    const known = this.#packed.get(message);
    if (known !== undefined) return known;
    const json = JSON.stringify(message);
    const described = { json, key: digest('sha256', json, 'hex') };
    this.#packed.set(message, described);
    return described;
  }

  /** A packed message as it was stored. */
  parse(json: string): Message {
    const known = this.#byJson.get(json, json.length);
    return known ?? this.#remember(json, JSON.parse(json) as Message);
  }

  /** Arguments and results of tools, parameters: short ones stay, long ones become references. */
  packJson(value: Json, onText: OnText): Json {
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
    if (typeof value === 'string') return this.packString(value, onText);
    const json = JSON.stringify(value);
    if (!this.#texts.mustReference(json)) {
      const inline = this.#texts.inline(json);
      return inline === json ? value : inline;
    }
    const text = this.#texts.remember(json, 'j');
    onText(text);
    return text.reference;
  }

  packString(text: string, onText: OnText): string {
    if (!this.#texts.mustReference(text)) return this.#texts.inline(text);
    const stored = this.#texts.remember(text);
    onText(stored);
    return stored.reference;
  }

  #packText(role: string, text: string, onText: OnText): Message {
    if (!this.#texts.mustReference(text)) {
      const key = `${role}\u0000${text}`;
      const known = this.#byShortText.get(key, key.length);
      if (known !== undefined) return known;
      const message = this.#intern({ role, parts: [{ type: 'text', text: this.#texts.inline(text) }] });
      this.#byShortText.set(key, message, key.length);
      return message;
    }
    const stored = this.#texts.remember(text);
    onText(stored);
    const known = stored.messages?.get(role);
    if (known !== undefined) return known;
    const message = this.#intern({ role, parts: [{ type: 'text', text: stored.reference }] });
    stored.messages ??= new Map();
    stored.messages.set(role, message);
    return message;
  }

  #packPart(part: MessagePart, onText: OnText): MessagePart {
    if (part.type === 'tool_call') return { ...part, arguments: this.packJson(part.arguments, onText) };
    if (part.type === 'tool_call_response') return { ...part, result: this.packJson(part.result, onText) };
    if (part.type === 'media') return { ...part, reference: this.packString(part.reference, onText) };
    return { type: part.type, text: this.packString(part.text, onText) };
  }

  #intern(message: Message): Message {
    const json = JSON.stringify(message);
    return this.#byJson.get(json, json.length) ?? this.#remember(json, message);
  }

  #remember(json: string, message: Message): Message {
    this.#byJson.set(json, message, json.length);
    this.#packed.set(message, { json, key: digest('sha256', json, 'hex') });
    return message;
  }
}
