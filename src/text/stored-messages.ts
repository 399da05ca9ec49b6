/**
 * How a list of packed messages is written into one column: a JSON array whose elements are
 * messages, or `{"list": HASH}` for the messages of a row of `message_lists`. System messages and
 * short lists stand in place; a long conversation is a reference. Pure.
 */

import type { Message } from '../contract/invocation.ts';

interface ListReference {
  readonly list: string;
}

type Element = Message | ListReference;

function isReference(element: Element): element is ListReference {
  return 'list' in element;
}

/** The list hashes that are needed to read it. */
export function listsOfMessages(column: string): readonly string[] {
  // Most columns hold no list; a message can't begin like this.
  if (!column.includes('{"list":')) return [];
  return (JSON.parse(column) as Element[]).filter(isReference).map(({ list }) => list);
}

/** Null when a list is missing: then there is no content, rather than half of it. */
export function readMessages(
  column: string,
  lists: ReadonlyMap<string, readonly string[]>,
  parse: (json: string) => Message,
): readonly Message[] | null {
  const messages: Message[] = [];
  for (const element of JSON.parse(column) as Element[]) {
    if (isReference(element)) {
      const list = lists.get(element.list);
      if (list === undefined) return null;
      for (const json of list) messages.push(parse(json));
    } else {
      messages.push(element);
    }
  }
  return messages;
}
