/** What of the traces in memory is settled together, and that what comes meanwhile delays nothing. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { factHead, FactLine, factsLine } from '../../src/ingest/content/fact-rows.ts';
import { ownPage } from '../../src/ingest/content/shared-page.ts';
import { TraceGroups } from '../../src/ingest/settling/trace-groups.ts';
import type { TraceState } from '../../src/ingest/settling/trace-state.ts';
import { TraceWindow } from '../../src/ingest/settling/trace-window.ts';
import type { SpoolPosition } from '../../src/ingest/spool/position.ts';

const AT = '2026-11-20T10:00:00.000000Z' as Timestamp;
const RETAIN_MS = 100;
const NOTHING_WRITTEN = new Map<TraceState, unknown>();

let window: TraceWindow;
let groups: TraceGroups;
let spans: number;
beforeEach(() => {
  window = new TraceWindow({
    factsMax: 10_000,
    bytesMax: 10_000_000,
    factsPerTraceMax: 10_000,
    bytesPerTraceMax: 10_000_000,
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
  window.add(trace, new FactLine(factHead(facts), ownPage(bytes), 0, bytes.length - 1), from as SpoolPosition, nowMs);
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

  it('is not there any more once the round is over', () => {
    const a = add('a', 'resp_1', 1);
    groups.note([a], NOTHING_WRITTEN);
    groups.settled();
    expect(groups.asNoted(a)).toEqual([]);
  });
});

describe('traces that share a key', () => {
  it('are settled in groups of a few, each with all that were noted, when an id comes again and again', () => {
    const traces = Array.from({ length: 40 }, (_, index) => add(`trace ${index}`, 'resp_1', index));
    const { firsts } = groups.note(traces, NOTHING_WRITTEN);
    const noted = firsts.map((first) => groups.asNoted(first));
    expect(noted.map(({ length }) => length)).toEqual([16, 16, 8]);
    expect(noted.flat()).toEqual(traces);
    expect(window.tellsApart('id:resp_1')).toBe(false);
    expect(window.tellsApart('id:resp_2')).toBe(true);
  });

  it('are in one group, directly or through others, as far as it has room', () => {
    const agent = add('agent', 'resp_0', 0);
    const gateways = Array.from({ length: 600 }, (_, index) => {
      add('agent', `resp_${index}`, index);
      return add(`gateway ${index}`, `resp_${index}`, index);
    });
    expect(new Set(groupNoted(agent))).toEqual(new Set([agent, ...gateways]));

    const more = Array.from({ length: 600 }, (_, index) => {
      add('agent', `resp_more_${index}`, index);
      return add(`gateway more ${index}`, `resp_more_${index}`, index);
    });
    // With the 1,001 facts that it had by then, and 999 gateways.
    expect(groupNoted(agent)).toHaveLength(1_000);
    // Each is in one group only.
    const { firsts } = groups.note([agent, ...gateways, ...more], NOTHING_WRITTEN);
    const all = firsts.flatMap((first) => groups.asNoted(first));
    expect(all).toHaveLength(1_201);
    expect(new Set(all).size).toBe(1_201);
  });

  it('are alone again when the others are forgotten', () => {
    const [a, b, c] = [add('a', 'resp_1', 1), add('b', 'resp_1', 2), add('c', 'resp_1', 3)];
    window.forget(b);
    expect(new Set(groupNoted(a))).toEqual(new Set([a, c]));
    window.forget(a);
    expect(groupNoted(c)).toEqual([c]);
    expect(c.group).toBeNull();
    const d = add('d', 'resp_1', 4);
    expect(new Set(groupNoted(c))).toEqual(new Set([c, d]));
  });
});

function groupNoted(trace: TraceState): readonly TraceState[] {
  groups.note([trace], NOTHING_WRITTEN);
  return groups.asNoted(trace);
}

describe('the window', () => {
  it('forgets in the order in which traces were last heard of', () => {
    const [a, b] = [add('a', 'resp_1', 1, 0), add('b', 'resp_2', 2, 10)];
    window.doubt(a, { received: null }, 90);
    a.isWhole = true;
    for (const each of [a, b]) {
      window.note(each, 1);
      window.clean(each);
    }
    expect([...window.expired(10 + RETAIN_MS)]).toEqual([b]);
    expect([...window.expired(90 + RETAIN_MS)]).toEqual([b, a]);
  });
});
