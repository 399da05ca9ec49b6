/** The forms of a prompt body: the bytes that are hashed, and the text that people read. Pure. */

import type { PromptBody, PromptMessage } from '../contract/prompt.ts';

/** A body of a bare text. */
export function textBody(text: string): PromptBody {
  return { kind: 'text', text };
}

export function chatBody(messages: readonly PromptMessage[]): PromptBody {
  return { kind: 'chat', messages };
}

/** The texts of a body, in order, with their roles; a bare text has the role ''. */
export function bodyMessages(body: PromptBody): readonly PromptMessage[] {
  return body.kind === 'text' ? [{ role: '', content: body.text }] : body.messages;
}

/** What a person reads: a bare text as it is, a chat with a `[role]` line above each message. */
export function displayBody(body: PromptBody): string {
  if (body.kind === 'text') return body.text;
  return body.messages.map((message) => `[${message.role}]\n${message.content}`).join('\n\n');
}

/**
 * What is hashed. A bare text is its own bytes, so that `sha256sum` of a file gives the same hash;
 * a chat is a JSON array of [role, content] pairs, so that no text can imitate a message border.
 */
export function canonicalBody(body: PromptBody): string {
  if (body.kind === 'text') return body.text;
  return JSON.stringify(body.messages.map((message) => [message.role, message.content]));
}

export function bodyBytes(body: PromptBody): number {
  return bodyMessages(body).reduce((sum, message) => sum + Buffer.byteLength(message.content), 0);
}

/** The same body with every text replaced by `change(text)`. */
export function mapBody(body: PromptBody, change: (text: string) => string): PromptBody {
  if (body.kind === 'text') return textBody(change(body.text));
  return chatBody(body.messages.map((message) => ({ role: message.role, content: change(message.content) })));
}
