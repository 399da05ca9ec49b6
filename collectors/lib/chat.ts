/** Reads a prompt body out of JSON, whichever of the usual shapes it has. */

import { Fault } from '../../src/contract/fault.ts';
import type { PromptBody, PromptMessage } from '../../src/contract/prompt.ts';
import { chatBody, textBody } from '../../src/text/body.ts';

/** A text, or a list of messages. Null when it is neither. */
export function bodyFrom(value: unknown): PromptBody | null {
  if (typeof value === 'string') return textBody(value);
  if (!Array.isArray(value)) return null;
  const messages = value.map(messageFrom);
  return messages.includes(null) ? null : chatBody(messages as PromptMessage[]);
}

function messageFrom(value: unknown): PromptMessage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { role, content } = value as { readonly role?: unknown; readonly content?: unknown };
  const text = textFrom(content);
  return typeof role === 'string' && text !== null ? { role, content: text } : null;
}

/** A message's content: a text, or a list of parts of which the texts count. */
function textFrom(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  return content
    .map((part: unknown) => {
      if (typeof part === 'string') return part;
      if (typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string')
        return part.text;
      return '';
    })
    .join('');
}

/** Messages out of the text of a JSON array, as some places keep a chat. Null when the text is no such array. */
export function bodyFromText(text: string): PromptBody | null {
  if (!text.trimStart().startsWith('[')) return null;
  try {
    const body = bodyFrom(JSON.parse(text));
    return body?.kind === 'chat' ? body : null;
  } catch {
    return null;
  }
}

/** What a body looks like where a place keeps JSON: a text, or a list of messages. */
export function bodyValue(body: PromptBody): string | readonly PromptMessage[] {
  return body.kind === 'text' ? body.text : body.messages;
}

/** The text of a body for a place that keeps only one text. Throws a `Fault` for a chat of several messages. */
export function singleText(body: PromptBody, place: string): string {
  if (body.kind === 'text') return body.text;
  const [only, ...others] = body.messages;
  if (only !== undefined && others.length === 0) return only.content;
  throw new Fault('permanent', `${place} holds one text, and this version has ${body.messages.length} messages.`);
}
