/** A list is read as its messages say, whatever was read before it. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ContentHash } from '../../src/contract/prompt.ts';
import { BEGINNING_MESSAGES, MessageLists } from '../../src/ingest/content/message-lists.ts';
import { ListReadings } from '../../src/ingest/settling/list-readings.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { reference } from '../../src/text/reference.ts';

interface Said {
  readonly role: string;
  readonly text: string;
}

const said = fc.record({
  role: fc.constantFrom('user', 'assistant'),
  text: fc.constantFrom('a', 'b', 'c'.repeat(200)),
});
const long = new Map(['c'.repeat(200)].map((text) => [sha256(text), text]));

function packed({ role, text }: Said): string {
  const inside = long.has(sha256(text)) ? reference('t', sha256(text)) : text;
  return JSON.stringify({ role, parts: [{ type: 'text', text: inside }] });
}

it('whether it goes on from another, forks, or is longer than what is read of it', () => {
  const conversations = fc.array(fc.array(said, { minLength: 1, maxLength: BEGINNING_MESSAGES + 8 }), { maxLength: 6 });
  const textOf = (hash: ContentHash): string | undefined => long.get(hash);
  fc.assert(
    fc.property(conversations, (all) => {
      const [lists, readings] = [new MessageLists(), new ListReadings()];
      for (const messages of all) {
        for (let length = 1; length <= messages.length; length += 2) {
          const turn = messages.slice(0, length);
          const read = readings.read(lists.find(turn.map(packed)), textOf);
          const expected = turn.slice(0, BEGINNING_MESSAGES).map(({ role, text }) => ({ role, content: text }));
          expect(read).toEqual(expected);
        }
      }
    }),
  );
});

it('is not read while one of its texts is not at hand, and is afterwards', () => {
  const [lists, readings] = [new MessageLists(), new ListReadings()];
  const turns: Said[] = [
    { role: 'user', text: 'a' },
    { role: 'assistant', text: 'c'.repeat(200) },
    { role: 'user', text: 'b' },
  ];
  const list = lists.find(turns.map(packed));
  expect(readings.read(list, () => undefined)).toBeNull();
  expect(readings.read(list, (hash) => long.get(hash))?.map(({ content }) => content)).toEqual(
    turns.map(({ text }) => text),
  );
});
