/** What of the traces in memory is settled together, and that what comes meanwhile delays nothing. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { FactLine, factsLine } from '../../src/ingest/content/fact-rows.ts';
import { ownPage } from '../../src/ingest/content/shared-page.ts';
import { TraceGroups } from '../../src/ingest/settling/trace-groups.ts';
import { TraceWindow, type TraceState } from '../../src/ingest/settling/trace-window.ts';
import type { SpoolPosition } from '../../src/ingest/spool/position.ts';

const AT = '2026-11-20T10:00:00.000000Z' as Timestamp;
const RETAIN_MS = 100;
const NOTHING_WRITTEN = new Map<TraceState, unknown>();

let window: TraceWindow;
let groups: TraceGroups;
let spans: number;
beforeEach(() => {
  window = new TraceWindow({
    factsMax: 100,
    bytesMax: 1_000_000,
    factsPerTraceMax: 100,
    bytesPerTraceMax: 1_000_000,
    retainMs: RETAIN_MS,
  });
  groups = new TraceGroups(window);
  spans = 0;
});

/** One more span of the trace. Returns the trace. */
function add(key: string, responseId: string, from: number, nowMs = from): TraceState {
  spans += 1;
  const facts = {
    traceId: key,
    spanId: String(spans).padStart(16, '0'),
    recordId: '',
    startedAt: AT,
    role: 'call',
    responseId,
  } as unknown as SpanFacts;
  const bytes = Buffer.from(factsLine(facts, AT));
  const trace = window.open(key, true, nowMs);
  window.add(trace, new FactLine(facts, ownPage(bytes), 0, bytes.length - 1), from as SpoolPosition, nowMs);
  return trace;
}

describe('a noted group', () => {
  it('is settled as it was, whatever comes meanwhile, and what came is settled later', () => {
    const [a, b] = [add('a', 'resp_1', 1), add('b', 'resp_1', 2)];
    expect(groups.note([a, b], NOTHING_WRITTEN).firsts).toEqual([a]);
    const c = add('c', 'resp_1', 30);
    add('a', 'resp_1', 40);
    add('a', 'resp_1', 35, 50);

    const group = groups.asNoted(a);
    expect(group).toEqual([a, b]);
    expect([a.notedFacts, b.notedFacts]).toEqual([1, 1]);
    for (const each of [a, b]) window.clean(each);

    // Waits again, from its first later fact on, and no longer than that has waited.
    expect([...window.dirty]).toEqual([c, a]);
    expect([a.dirtyFacts, a.dirtyFrom, a.dirtySinceMs]).toEqual([2, 35, 40]);
    expect(window.oldestDirty()).toBe(30);

    groups.settled();
    groups.note([c, a], NOTHING_WRITTEN);
    expect(new Set(groups.asNoted(c))).toEqual(new Set([a, b, c]));
    expect(a.notedFacts).toBe(3);
    for (const each of [a, b, c]) window.clean(each);
    expect(window.dirty.size).toBe(0);
  });

  it('waits for the next round when one of it was settled with others, or is not whole', () => {
    const a = add('a', 'resp_1', 1);
    const b = add('b', 'resp_1', 2);
    const alone = add('alone', 'resp_2', 3);
    groups.note([a, b, alone], NOTHING_WRITTEN);
    window.clean(a);
    expect(groups.asNoted(a)).toBeNull();
    window.doubt(alone, 4);
    expect(groups.asNoted(alone)).toBeNull();
    alone.isWhole = true;
    expect(groups.asNoted(alone)).toEqual([alone]);
    window.clean(alone);
    // What made it doubtful came after the note.
    expect([...window.dirty]).toEqual([b, alone]);
  });

  it('is not there any more once the round is over', () => {
    const a = add('a', 'resp_1', 1);
    groups.note([a], NOTHING_WRITTEN);
    groups.settled();
    expect(groups.asNoted(a)).toBeNull();
  });
});

describe('the window', () => {
  it('forgets in the order in which traces were last heard of', () => {
    const [a, b] = [add('a', 'resp_1', 1, 0), add('b', 'resp_2', 2, 10)];
    window.doubt(a, 90);
    for (const each of [a, b]) {
      window.note(each, 1);
      window.clean(each);
    }
    expect([...window.expired(10 + RETAIN_MS)]).toEqual([b]);
    expect([...window.expired(90 + RETAIN_MS)]).toEqual([b, a]);
  });
});
