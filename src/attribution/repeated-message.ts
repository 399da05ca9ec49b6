/**
 * A message that is asked about with every call of its conversation. What was found in it stays
 * with it, which is faster than to look it up by its text, thirty times a call.
 */

import type { PromptMessage } from '../contract/prompt.ts';
import type { TextFinding } from './text-matcher.ts';

export class RepeatedMessage implements PromptMessage {
  readonly role: string;
  readonly content: string;
  /** Of two that ask in turn, such as the attributors of registered and of live texts. */
  #asked: object | null = null;
  #found: TextFinding | null = null;
  #askedBefore: object | null = null;
  #foundBefore: TextFinding | null = null;

  constructor({ role, content }: PromptMessage) {
    this.role = role;
    this.content = content;
  }

  /** What was found when the same was asked; `asked` stands for what is registered, and is another object once that changes. */
  foundBy(asked: object): TextFinding | null {
    if (this.#asked === asked) return this.#found;
    return this.#askedBefore === asked ? this.#foundBefore : null;
  }

  keep(asked: object, found: TextFinding): void {
    this.#askedBefore = this.#asked;
    this.#foundBefore = this.#found;
    this.#asked = asked;
    this.#found = found;
  }
}
