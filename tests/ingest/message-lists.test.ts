/** What is remembered of message lists is bounded by what it takes, not by how many there are. */

import { describe, expect, it } from 'vitest';
import { listRow, MessageLists, type ListNode } from '../../src/ingest/content/message-lists.ts';
import { NOTHING_TO_STORE, Outbox } from '../../src/ingest/content/outbox.ts';
import type { ContentHash } from '../../src/contract/prompt.ts';
import { systemClock } from '../../src/lib/time.ts';

let messages = 0;
/** A kilobyte each. */
const message = (): string => `${(messages += 1)} ${'x'.repeat(1_000)}`;
const several = (count: number): string[] => Array.from({ length: count }, message);

/** A chat that sends its last fifty messages: no list goes on from the one before. */
function slide(lists: MessageLists, turns: number): void {
  let window = several(50);
  for (let turn = 0; turn < turns; turn += 1) {
    window = [...window.slice(1), message()];
    lists.find(window);
  }
}

function found(lists: MessageLists, { hash }: ListNode): ListNode | undefined {
  return lists.at(hash as ContentHash);
}

describe('remembered lists', () => {
  it('are forgotten after so many characters, however few lists they are', () => {
    const lists = new MessageLists();
    const first = lists.find(several(3));
    slide(lists, 500);
    expect(found(lists, first)?.hash).toBe(first.hash);
    slide(lists, 1_500);
    expect(found(lists, first)).toBeUndefined();
  });

  it('that go on leave the tree behind in which they began, and are stored as what they add', () => {
    const lists = new MessageLists();
    const [said, more] = [several(3), several(2)];
    const before = lists.find(said);
    before.storedIn = NOTHING_TO_STORE;
    slide(lists, 700);
    const after = lists.find(more, found(lists, before));
    expect(after.root).toBe(lists.find(several(1)).root);
    expect(after.root).not.toBe(before.root);
    expect(after.hash).toBe(new MessageLists().find([...said, ...more]).hash);
    expect(listRow(after, new Outbox(systemClock.now()).has).row).toEqual({
      hash: after.hash,
      base: before.hash,
      messages: more,
    });
  });
});
