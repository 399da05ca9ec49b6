/**
 * The thread that makes rows of requests. What it remembers of texts, lists and histories is its own; what
 * is new of them goes along with the rows.
 */

import { stackOf } from '../../contract/fault.ts';
import { Rooms } from '../../lib/growing-buffer.ts';
import { countElsewhere } from '../../lib/instruments.ts';
import { insideThread } from '../../lib/kept-thread.ts';
import { LET_GO_EVERY_MS, letGoOfMemory } from '../../lib/let-go-of-memory.ts';
import { ContentSpaces } from '../content/content-space.ts';
import type { Draft } from './draft.ts';
import { Drafter } from './drafter.ts';
import type {
  DrafterThreadData,
  FactHeadRow,
  FromDrafterThread,
  ThreadDraft,
  ToDrafterThread,
} from './drafter-messages.ts';

const { data, say, hear } = insideThread<DrafterThreadData, FromDrafterThread, ToDrafterThread>();
const { policies, texts, limits, isMemoryShort } = data;

const counts = countElsewhere();
const rooms = new Rooms((bytes) => Buffer.allocUnsafeSlow(bytes));
const drafter = new Drafter({
  spaces: new ContentSpaces(policies, texts),
  limits,
  onError: (error) => say({ kind: 'failed', stack: stackOf(error) }),
});
/** Until it is known whether they are stored. */
const underWay = new Map<number, Draft>();
let lettingGo: NodeJS.Timeout | undefined;

hear((message) => {
  switch (message.kind) {
    case 'draft':
      draft(message);
      return;
    case 'over':
      rooms.give(Buffer.from(message.rows));
      if (message.isStored) underWay.get(message.id)?.markStored();
      underWay.delete(message.id);
      return;
    case 'short':
      memoryIsShort(message.isShort);
  }
});
memoryIsShort(isMemoryShort);
say({ kind: 'ready' });

function draft(message: Extract<ToDrafterThread, { readonly kind: 'draft' }>): void {
  const { id, signal, encoding, memory, length, receivedAt } = message;
  try {
    const drafted = drafter.draft({ signal, encoding, body: Buffer.from(memory, 0, length) }, receivedAt);
    const counted = counts.take();
    if ('outcome' in drafted) {
      say({ kind: 'drafted', id, memory, acknowledgement: drafted, records: null, draft: null, counted }, [memory]);
      return;
    }
    const { acknowledgement, records } = drafted;
    const handed = handedOver(drafted);
    if (handed !== null) underWay.set(id, drafted);
    const memories = handed === null ? [memory] : [memory, handed.rows];
    say({ kind: 'drafted', id, memory, acknowledgement, records, draft: handed, counted }, memories);
  } catch (error) {
    say({ kind: 'threw', id, memory, stack: stackOf(error) }, [memory]);
  }
}

/** Null when it has no rows. What it was made in is free for others then. */
function handedOver(drafted: Draft): ThreadDraft | null {
  const { sections, facts, unstorable } = drafted;
  if (sections.length === 0) return null;
  const room = rooms.take(sections.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of sections) at += bytes.copy(room, at);
  const heads = JSON.stringify(
    facts.map(({ traceId, spanId, recordId, startedAt, relatedSince, keys, start, end }): FactHeadRow => [
      traceId,
      spanId,
      recordId,
      startedAt,
      relatedSince === startedAt ? 0 : relatedSince,
      keys,
      start,
      end,
    ]),
  );
  drafted.release();
  return {
    rows: room.buffer as ArrayBuffer,
    sections: sections.map(({ lane, bytes }) => ({ lane, length: bytes.length })),
    heads,
    unstorable: [...unstorable].map(({ hash, text }) => [hash, text] as const),
  };
}

function memoryIsShort(isShort: boolean): void {
  clearInterval(lettingGo);
  if (!isShort) return;
  letGoOfMemory(rooms);
  lettingGo = setInterval(letGoOfMemory, LET_GO_EVERY_MS, rooms);
}
