/** What is new of a large trace is shown before the whole is settled again, and is what the whole would show. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock, Timestamp } from '../../src/contract/time.ts';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { ContentSpaces } from '../../src/ingest/content/content-space.ts';
import { factHead, FactLine, factsLine } from '../../src/ingest/content/fact-rows.ts';
import { KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { ownPage } from '../../src/ingest/content/shared-page.ts';
import { DEFAULT_TEXT_LIMITS } from '../../src/ingest/content/texts.ts';
import type { AttributableCall } from '../../src/ingest/settling/attribution.ts';
import { ListReadings } from '../../src/ingest/settling/list-readings.ts';
import { RepricedPeriods } from '../../src/ingest/settling/repriced-periods.ts';
import { Settlement } from '../../src/ingest/settling/settlement.ts';
import { TraceGroups } from '../../src/ingest/settling/trace-groups.ts';
import { TraceWindow, traceKey } from '../../src/ingest/settling/trace-window.ts';
import type { SpoolPosition } from '../../src/ingest/spool/position.ts';
import { factsInMemory } from './window-facts.ts';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { systemClock } from '../../src/lib/time.ts';
import { chatAttributes, eventually, hexId, openStore, tracesBody, withIngest, type SpanDraft } from './harness.ts';
import { settle, settleInSteps } from '../../src/invocations/settle.ts';
import { resultOf } from '../../src/lib/steps.ts';
import { log, span } from '../invocations/facts.ts';
import { anyFact, reportedWork } from '../invocations/reported-work.ts';

const AT = '2026-11-20T10:00:00.000000000Z' as Timestamp;
const NOTHING_WRITTEN = new Map();

interface Row {
  readonly trace_id: string;
  readonly span_id: string;
  readonly content_hash: string;
  readonly is_deleted: number;
}

/** Facts in memory, of traces that count as large, and the rows that settling wrote of them. */
class Settling {
  readonly #window = new TraceWindow({
    factsMax: 100_000,
    bytesMax: 100_000_000,
    factsPerTraceMax: 20_000,
    bytesPerTraceMax: 10_000_000,
    retainMs: 1_000,
  });
  readonly #groups = new TraceGroups(this.#window);
  readonly #rows = new Map<string, Row>();
  #revision = 0n;
  /** Rows that were written, all in all. */
  written = 0;
  /** Facts that were settled together in the last turn. */
  facts = 0;
  /** How often settling could have stopped for others. */
  stops = 0;
  /** Of the calls that were attributed, which is done of all that a row is made of. */
  readonly attributed: string[] = [];

  add(facts: readonly SpanFacts[]): void {
    for (const each of facts) {
      const bytes = Buffer.from(factsLine(each, AT));
      const trace = this.#window.open(traceKey(each), true, 0);
      trace.parents ??= [];
      const line = new FactLine(factHead(each), ownPage(bytes), 0, bytes.length - 1);
      this.#window.add(trace, line, 0 as SpoolPosition, 0);
    }
  }

  settle(turn: 'whole' | 'new'): void {
    const nextRevision = (): bigint => (this.#revision += 1n);
    this.facts = 0;
    const options = {
      settle: (facts: readonly SpanFacts[]) => {
        this.facts = Math.max(this.facts, facts.length);
        return settleInSteps(facts);
      },
      spaces: new ContentSpaces(KEEP_EVERYTHING, DEFAULT_TEXT_LIMITS),
      readings: new ListReadings(),
      attribute: ({ invocation }: AttributableCall) => {
        this.attributed.push(invocation.spanId);
        return { kind: 'unknown', prompt: null, version: null, owner: null } as const;
      },
      price: () => null,
      repriced: new RepricedPeriods(),
    };
    const settlement = new Settlement(options, { now: AT, nextRevision, expectedBytes: 1_000 }, (_, error) => {
      throw error;
    });
    const { firsts } = this.#groups.note([...this.#window.dirty], NOTHING_WRITTEN);
    for (const first of firsts) {
      const group = this.#groups.asNoted(first);
      const steps = turn === 'new' ? settlement.settleNew(group) : settlement.settle(group);
      while (steps.next().done !== true) this.stops += 1;
      if (turn === 'whole') for (const each of group) if (each.notedDirtyFacts > 0) this.#window.clean(each);
    }
    const lines = resultOf(settlement.finish()).lines.toString().split('\n').slice(0, -1);
    for (const line of lines) {
      const row = JSON.parse(line) as Row;
      this.#rows.set(`${row.trace_id}/${row.span_id}`, row);
    }
    this.written += lines.length;
    settlement.markWritten();
    settlement.release();
  }

  get calls(): readonly string[] {
    return this.#there.map(([key]) => key);
  }

  get contents(): readonly string[] {
    return this.#there.map(([key, { content_hash: hash }]) => `${key} ${hash}`);
  }

  get #there(): [string, Row][] {
    return [...this.#rows].filter(([, row]) => row.is_deleted === 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}

function identities(facts: readonly SpanFacts[]): readonly string[] {
  return settle(facts)
    .invocations.map(({ traceId, spanId }) => `${traceId}/${spanId}`)
    .toSorted();
}

/** In any order, some of it twice, and as it comes bit by bit. */
function pieces(facts: readonly SpanFacts[]): fc.Arbitrary<readonly (readonly SpanFacts[])[]> {
  const arrived = fc
    .tuple(fc.shuffledSubarray([...facts], { minLength: facts.length }), fc.subarray([...facts]))
    .map(([order, resent]) => [...order, ...resent]);
  return fc.tuple(arrived, fc.array(fc.nat({ max: facts.length }), { maxLength: 4 })).map(([all, cuts]) => {
    const borders = [0, ...cuts.toSorted((a, b) => a - b), all.length];
    return borders.slice(1).map((border, at) => all.slice(borders[at], border));
  });
}

/** Records of several spans have several ids. */
const ofItsOwnTrace = anyFact
  .filter(({ traceId }) => traceId !== '')
  .map((facts) =>
    facts.recordId === '' ? facts : { ...facts, recordId: `${facts.recordId} ${facts.spanId}${facts.traceId}` },
  );

it.each([
  ['what real software reports', reportedWork.map(({ facts }) => facts)],
  ['nonsense', fc.array(ofItsOwnTrace, { maxLength: 24 })],
])('comes to what the whole comes to in the end: %s', (_, facts) => {
  fc.assert(
    fc.property(facts.chain(pieces), (all) => {
      const [settling, atOnce] = [new Settling(), new Settling()];
      for (const [at, piece] of all.entries()) {
        settling.add(piece);
        settling.settle(at === 0 ? 'whole' : 'new');
      }
      settling.settle('whole');
      atOnce.add(all.flat());
      atOnce.settle('whole');
      expect(settling.contents).toEqual(atOnce.contents);
    }),
    { numRuns: 400 },
  );
});

it('shows each call as soon as the whole would, and no other', () => {
  fc.assert(
    fc.property(
      reportedWork.chain(({ facts }) => pieces(facts)),
      (all) => {
        const settling = new Settling();
        const soFar: SpanFacts[] = [];
        for (const [at, piece] of all.entries()) {
          settling.add(piece);
          soFar.push(...piece);
          settling.settle(at === 0 ? 'whole' : 'new');
          expect(settling.calls).toEqual(identities(soFar));
        }
      },
    ),
    { numRuns: 400 },
  );
});

describe('of thousands of calls under one span', () => {
  const tokens = { input: 5, output: 7 };
  const calls = Array.from({ length: 2_000 }, (_, at) => span(at + 10, 1, [at * 100, at * 100 + 90], { tokens }));

  function settled(): Settling {
    const settling = new Settling();
    settling.add(calls);
    settling.settle('whole');
    return settling;
  }

  it('the whole is settled in steps', () => {
    // Facts are read, calls merged and rows made.
    expect(settled().stops).toBeGreaterThan(calls.length / 100 + calls.length / 200 + calls.length / 100);
  });

  it('rows are made once, and again only of calls that have changed', () => {
    const settling = settled();
    const [changed, other] = [calls[7] as SpanFacts, span(5_001, 1, [250_000, 250_100])];
    settling.add([{ ...changed, conversationId: 'a conversation' }, other]);
    settling.attributed.length = 0;
    settling.settle('whole');
    expect(settling.attributed.toSorted()).toEqual([changed.spanId, other.spanId].toSorted());
    expect(settling.written).toBe(calls.length + 2);
  });

  it('what is new is told from the few beside it', () => {
    const settling = settled();
    // Langfuse's wrapper of the thousandth, a call of its own, and the span around them all.
    const wrapper = span(5_000, 1, [99_999, 100_095], { tokens, dialects: ['langfuse'] });
    const other = span(5_001, 1, [99_999, 100_095], { tokens: { input: 6, output: 7 } });
    settling.add([wrapper, other, span(1, null, [0, 300_000], { role: 'wrapper' })]);
    settling.settle('new');
    expect(settling.calls).toEqual(identities([...calls, other]));
    expect(settling.written).toBe(calls.length + 1);
    expect(settling.facts).toBeLessThan(100);
  });

  it('a view of them all is no call', () => {
    const settling = settled();
    const next = span(5_000, 1, [250_000, 250_100]);
    settling.add([span(1, null, [0, 300_000]), next]);
    settling.settle('new');
    expect(settling.calls).toEqual(identities([...calls, next]));
  });

  it('a report of one of them is none', () => {
    const settling = settled();
    settling.add([log(0, 'a report', 50, { role: 'report', spanId: '', requestModel: 'm', tokens })]);
    settling.settle('new');
    expect(settling.calls).toEqual(identities(calls));
  });
});

it('a trace of reports alone shows them', () => {
  const reports = Array.from({ length: 3 }, (_, at) =>
    log(0, `report ${at}`, at, { role: 'report', spanId: '', requestModel: 'm', tokens: { input: at } }),
  );
  const settling = new Settling();
  for (const [at, report] of reports.entries()) {
    settling.add([report]);
    settling.settle(at === 0 ? 'whole' : 'new');
    expect(settling.calls).toEqual(identities(reports.slice(0, at + 1)));
  }
});

describe('a running ingest', () => {
  const send = async (ingest: Ingest, some: readonly SpanDraft[]): Promise<void> => {
    const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(some) });
    expect(answer.outcome).toBe('durable');
  };

  it('shows what comes to a trace whose whole has to wait long for its next turn', async () => {
    const store = await openStore();
    let [slowMs, isSlow] = [0, true];
    const clock: Clock = { now: () => systemClock.now(), monotonicMs: () => systemClock.monotonicMs() + slowMs };
    const attribute = () => {
      // A minute for each thousand: the whole waits for twenty.
      if (isSlow) slowMs += 60;
      return { kind: 'unknown', prompt: null, version: null, owner: null } as const;
    };
    const [traceId, root] = [hexId(16), hexId(8)];
    const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'question' }], 'hi');
    const spans = Array.from({ length: 1_200 }, () => ({ traceId, parentSpanId: root, spanId: hexId(8), attributes }));
    const inner = spans.slice(0, 100).map(({ spanId: parentSpanId }) => ({ traceId, parentSpanId, attributes }));
    const count = async () => {
      const [row] = await store.database.query<{ calls: string }>(
        'SELECT count() AS calls FROM invocations FINAL WHERE trace_id = {traceId:String} AND is_deleted = 0',
        { traceId },
      );
      return Number(row?.calls);
    };
    await withIngest(store.telemetry, { clock, attribute, limits: { retainMs: 3_600_000 } }, async (ingest) => {
      await send(ingest, spans.slice(0, 1_100));
      expect(await eventually(count, (calls) => calls === 1_100)).toBe(1_100);
      isSlow = false;
      await send(ingest, spans.slice(1_100));
      expect(await eventually(count, (calls) => calls === 1_200)).toBe(1_200);
      // Each takes the place of the one that it is inside of.
      await send(ingest, inner);
      const isInner = async () => {
        const [row] = await store.database.query<{ calls: string }>(
          `SELECT count() AS calls FROM invocations FINAL
             WHERE trace_id = {traceId:String} AND is_deleted = 0 AND span_id NOT IN {outer:Array(String)}`,
          { traceId, outer: spans.map(({ spanId }) => spanId) },
        );
        return Number(row?.calls);
      };
      expect(await eventually(isInner, (calls) => calls === 100)).toBe(100);
      expect(await count()).toBe(1_200);
    });
    await store.database.close();
  });

  it('does not look for what each call of a large trace shares with others when it comes back to memory', async () => {
    const store = await openStore();
    const [traceId, other] = [hexId(16), hexId(16)];
    const callOf = (trace: string, responseId: string): SpanDraft => ({
      traceId: trace,
      spanId: hexId(8),
      attributes: chatAttributes('Answer.', [{ role: 'user', text: 'question' }], 'hi', {
        'gen_ai.response.id': responseId,
      }),
    });
    const asked = new Set<string>();
    const telemetry: TelemetryLog = {
      ...store.telemetry,
      factsSharing: (column, values, since) => {
        for (const value of values) asked.add(value);
        return store.telemetry.factsSharing(column, values, since);
      },
    };
    const count = async () => {
      const [row] = await store.database.query<{ calls: string }>(
        'SELECT count() AS calls FROM invocations FINAL WHERE trace_id = {traceId:String} AND is_deleted = 0',
        { traceId },
      );
      return Number(row?.calls);
    };
    await withIngest(telemetry, { limits: { retainMs: 1 } }, async (ingest) => {
      const spans = Array.from({ length: 2_100 }, (_, at) => callOf(traceId, `resp ${at}`));
      await send(ingest, [...spans, callOf(other, 'resp other')]);
      expect(await eventually(count, (calls) => calls === spans.length)).toBe(spans.length);
      await factsInMemory((facts) => facts === 0);
      await send(ingest, [callOf(traceId, 'resp 5'), callOf(other, 'resp other')]);
      expect(await eventually(count, (calls) => calls === spans.length + 1)).toBe(spans.length + 1);
    });
    expect(asked).toEqual(new Set(['resp 5', 'resp other']));
    await store.database.close();
  });
});
