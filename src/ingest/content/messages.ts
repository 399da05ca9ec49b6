/**
 * Packed messages: long texts are references. The JSON of a message that repeats, as every message
 * of a history does, is made once and found again by its text.
 */

import type { Message, MessagePart } from '../../contract/invocation.ts';
import type { Json } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { jsonText } from '../../lib/json.ts';
import type { StoredText, TextMemory } from './texts.ts';

// Of short texts; long ones remember the JSON themselves.
const REMEMBERED_CHARACTERS_MAX = 8 * 1024 * 1024;
// Roles are a handful; whoever sends more of them is served without a memory.
const ROLES_MAX = 32;

/** Called for each text that a packed value refers to. */
export type OnText = (text: StoredText) => void;

export class MessageMemory {
  readonly #texts: TextMemory;
  readonly #shortByRole = new Map<string, GenerationalCache<string, string>>();

  constructor(texts: TextMemory) {
    this.#texts = texts;
  }

  pack(message: Message, onText: OnText): Message {
    return { role: message.role, parts: message.parts.map((part) => this.#packPart(part, onText)) };
  }

  /** The packed message as JSON; the same string for the same message while it is remembered. */
  packedJson(message: Message, onText: OnText): string {
    const [only] = message.parts;
    if (message.parts.length !== 1 || only?.type !== 'text') return JSON.stringify(this.pack(message, onText));
    const { text } = only;
    if (!this.#texts.mustReference(text)) return this.#shortJson(message, text, onText);
    const stored = this.#texts.remember(text);
    onText(stored);
    if (stored.message?.role === message.role) return stored.message.json;
    const json = `{"role":${jsonText(message.role)},"parts":[{"type":"text","text":${JSON.stringify(stored.reference)}}]}`;
    stored.message = { role: message.role, json };
    return json;
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

  #shortJson(message: Message, text: string, onText: OnText): string {
    const ofRole = this.#ofRole(message.role);
    const known = ofRole?.get(text, text.length);
    if (known !== undefined) return known;
    const json = JSON.stringify(this.pack(message, onText));
    ofRole?.set(text, json, json.length);
    return json;
  }

  #ofRole(role: string): GenerationalCache<string, string> | null {
    const known = this.#shortByRole.get(role);
    if (known !== undefined) return known;
    if (this.#shortByRole.size >= ROLES_MAX) return null;
    const made = new GenerationalCache<string, string>(REMEMBERED_CHARACTERS_MAX);
    this.#shortByRole.set(role, made);
    return made;
  }

  #packPart(part: MessagePart, onText: OnText): MessagePart {
    if (part.type === 'tool_call') return { ...part, arguments: this.packJson(part.arguments, onText) };
    if (part.type === 'tool_call_response') return { ...part, result: this.packJson(part.result, onText) };
    if (part.type === 'media') return { ...part, reference: this.packString(part.reference, onText) };
    return { type: part.type, text: this.packString(part.text, onText) };
  }
}
