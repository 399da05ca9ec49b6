/** The store fails, is away, or refuses single rows: nothing acknowledged is lost, nothing is there twice. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import { startMetrics, type MetricsReader } from '../../src/observability/metrics.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody, type OpenStore } from './harness.ts';

let store: OpenStore;
let metrics: MetricsReader;
beforeAll(async () => {
  metrics = startMetrics('0.0.0-test');
  store = await openStore();
});
afterAll(async () => {
  await store.database.close();
  await metrics.stop();
});

async function recordsKept(): Promise<number> {
  const line = /^plumbline_ingest_records_total\{[^}]*outcome="kept"[^}]*\} (\d+)/m.exec(await metrics.text());
  return Number(line?.[1] ?? 0);
}

/** Every write and every read-back passes `trouble`, before and after it happens. */
function troubled(log: TelemetryLog, trouble: () => void): TelemetryLog {
  return {
    ...log,
    insertLines: async (lane, lines) => {
      trouble();
      await log.insertLines(lane, lines);
      trouble();
    },
    factsOfTraces: async (traceIds, limit) => {
      trouble();
      return log.factsOfTraces(traceIds, limit);
    },
  };
}

function call(service: string, extra: Record<string, string | number> = {}, traceId = hexId(16)) {
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: `hello ${traceId}` }], 'hi', extra);
  return { traceId, service, attributes };
}

const countOf = (service: string) => async () => {
  const [row] = await store.database.query<{ calls: string; distinct: string }>(
    `SELECT count() AS calls, uniqExact(trace_id, span_id) AS distinct FROM invocations FINAL
     WHERE service = {service:String} AND is_deleted = 0`,
    { service },
  );
  return [Number(row?.calls), Number(row?.distinct)];
};

describe('a store in trouble', () => {
  it('that fails at random moments, before or after it wrote, gets everything once', async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`seed ${seed}`);
    let state = seed;
    const log = troubled(store.telemetry, () => {
      state = (state * 48_271) % 2_147_483_647;
      if (state % 3 === 0) throw new Fault('transient', 'The store hiccups.', { retryAfterMs: 1 });
    });
    const ingest = createIngest(log, { onError: () => {}, limits: { retainMs: 1 } });
    await ingest.start();
    const traceIds = Array.from({ length: 40 }, () => hexId(16));
    for (let round = 0; round < 5; round += 1) {
      const body = tracesBody(traceIds.map((traceId) => call('hiccups', {}, traceId)));
      expect((await ingest.accept({ signal: 'traces', encoding: 'json', body })).outcome).toBe('durable');
    }
    const counts = await eventually(countOf('hiccups'), ([calls]) => calls === 200, 25_000);
    expect(counts).toEqual([200, 200]);
    await ingest.stop(5_000);
  });

  it('that is away lets the spool fill, refuses with a time, and catches up when it is back', async () => {
    let isAway = true;
    const log = troubled(store.telemetry, () => {
      if (isAway) throw new Fault('transient', 'The store is away.');
    });
    const problems: (string | null)[] = [];
    const ingest = createIngest(log, {
      limits: { spoolBytesMax: 60_000, retryAfterMs: 700 },
      onTrouble: (problem) => problems.push(problem),
    });
    await ingest.start();
    const keptBefore = await recordsKept();
    let accepted = 0;
    const refusal = await (async () => {
      for (;;) {
        const body = tracesBody([call('away'), call('away')]);
        const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body });
        if (answer.outcome !== 'durable') return answer;
        accepted += 2;
      }
    })();
    expect(refusal).toMatchObject({ outcome: 'overloaded', retryAfterMs: 700 });
    expect(accepted).toBeGreaterThan(20);
    // Nothing is read that would be refused anyway.
    const unread = { signal: 'traces', encoding: 'json', body: Buffer.from('no JSON') } as const;
    expect(await ingest.accept(unread)).toEqual(refusal);
    // What is refused comes again, and counts then.
    expect((await recordsKept()) - keptBefore).toBe(accepted);
    expect(await countOf('away')()).toEqual([0, 0]);
    await eventually(
      () => Promise.resolve(problems),
      (told) => told.join().includes('The store is away.'),
    );
    isAway = false;
    expect(await eventually(countOf('away'), ([calls]) => calls === accepted, 25_000)).toEqual([accepted, accepted]);
    expect(problems.join()).toContain('The spool is full');
    // Both the store and the spool are fine again when nobody was refused for a while.
    await expect.poll(() => problems.at(-1), { timeout: 30_000 }).toBeNull();
    expect(ingest.problems).toEqual([]);
    await ingest.stop(5_000);
  });

  it('that does not answer for long is said to be trouble until it answers', async () => {
    const answer = Promise.withResolvers<void>();
    const log: TelemetryLog = {
      ...store.telemetry,
      insertLines: async (lane, lines) => {
        await answer.promise;
        await store.telemetry.insertLines(lane, lines);
      },
    };
    const said: (string | null)[] = [];
    const onTrouble = (problem: string | null): void => void said.push(problem);
    const ingest = createIngest(log, { onTrouble, limits: { storeStalledMs: 1_000 } });
    await ingest.start();
    const body = tracesBody([call('silent')]);
    expect((await ingest.accept({ signal: 'traces', encoding: 'json', body })).outcome).toBe('durable');
    const problem = 'Telemetry waits on disk: the store has not answered an insert into span_facts for 1s.';
    await expect.poll(() => said, { timeout: 20_000 }).toEqual([problem]);
    answer.resolve();
    expect(await eventually(countOf('silent'), ([calls]) => calls === 1)).toEqual([1, 1]);
    expect(said).toEqual([problem, null]);
    await ingest.stop(5_000);
  });

  it('that was away while the daemon ended gets it from the next daemon', async () => {
    const dataDirectory = tempDirectory();
    const away = troubled(store.telemetry, () => {
      throw new Fault('transient', 'The store is away.');
    });
    const first = createIngest(away, { dataDirectory });
    await first.start();
    await first.accept({ signal: 'traces', encoding: 'json', body: tracesBody([call('restart'), call('restart')]) });
    await first.stop(100);
    const second = createIngest(store.telemetry, { dataDirectory });
    await second.start();
    expect(await eventually(countOf('restart'), ([calls]) => calls === 2)).toEqual([2, 2]);
    await second.stop(5_000);
  });

  it('that lacks a table for a while gets everything once it has it again, and no row is put aside', async () => {
    const said: (string | null)[] = [];
    const ingest = createIngest(store.telemetry, { onTrouble: (problem) => said.push(problem) });
    await ingest.start();
    const rename = (from: string, to: string): Promise<void> => store.database.command(`RENAME TABLE ${from} TO ${to}`);
    await rename('span_facts', 'span_facts_elsewhere');
    try {
      const body = tracesBody([call('tableless'), call('tableless')]);
      await ingest.accept({ signal: 'traces', encoding: 'json', body });
      await expect.poll(() => said[0], { timeout: 20_000 }).toContain('A table of the store is missing');
    } finally {
      await rename('span_facts_elsewhere', 'span_facts');
    }
    expect(await eventually(countOf('tableless'), ([calls]) => calls === 2)).toEqual([2, 2]);
    expect(await ingest.quarantine.list('waiting', 10)).toEqual([]);
    await ingest.stop(5_000);
  });

  it('that is away does not hold up a stop, however much waits for it', async () => {
    const dataDirectory = tempDirectory();
    const settledNothing: TelemetryLog = {
      ...store.telemetry,
      insertLines: async (lane, lines) => {
        if (lane === 'invocations') throw new Fault('transient', 'The store is away.');
        await store.telemetry.insertLines(lane, lines);
      },
    };
    // More than the window takes: loading waits for room that nothing makes.
    const first = createIngest(settledNothing, { dataDirectory, limits: { windowFactsMax: 4 } });
    await first.start();
    for (let request = 0; request < 6; request += 1) {
      const body = tracesBody([call('stopped'), call('stopped'), call('stopped')]);
      await first.accept({ signal: 'traces', encoding: 'json', body });
    }
    await eventually(
      () => Promise.resolve(first.problems),
      ({ length }) => length > 0,
    );
    const begunMs = performance.now();
    await first.stop(500);
    expect(performance.now() - begunMs).toBeLessThan(10_000);
    const second = createIngest(store.telemetry, { dataDirectory });
    await second.start();
    expect(await eventually(countOf('stopped'), ([calls]) => calls === 18)).toEqual([18, 18]);
    await second.stop(5_000);
  });

  it('that has no room keeps no daemon from starting, and gets everything when it has', async () => {
    let isFull = true;
    const refuse = (): void => {
      if (isFull) throw new Fault('overloaded', 'The disk of the store is full.');
    };
    const told: bigint[] = [];
    const log: TelemetryLog = {
      ...store.telemetry,
      distrustUsage: async (since) => {
        refuse();
        told.push(since);
        await store.telemetry.distrustUsage(since);
      },
      insertLines: async (lane, lines) => {
        refuse();
        await store.telemetry.insertLines(lane, lines);
      },
    };
    const ingest = createIngest(log);
    await ingest.start();
    const body = tracesBody([call('full')]);
    expect(await ingest.accept({ signal: 'traces', encoding: 'json', body })).toMatchObject({ outcome: 'durable' });
    await eventually(
      () => Promise.resolve(ingest.problems),
      ({ length }) => length > 0,
    );
    isFull = false;
    expect(await eventually(countOf('full'), ([calls]) => calls === 1)).toEqual([1, 1]);
    expect(told).toHaveLength(1);
    await ingest.stop(5_000);
  });

  it('that fails to be read is one trouble, and no bug, until it can be read again', async () => {
    let isAway = false;
    const log: TelemetryLog = {
      ...store.telemetry,
      factsOfTraces: async (traceIds, limit) => {
        if (isAway) throw new Fault('transient', 'The store is away.');
        return await store.telemetry.factsOfTraces(traceIds, limit);
      },
    };
    const [said, bugs]: [(string | null)[], unknown[]] = [[], []];
    const onTrouble = (problem: string | null): void => void said.push(problem);
    const ingest = createIngest(log, { onTrouble, onError: (error) => bugs.push(error), limits: { retainMs: 1 } });
    await ingest.start();
    const traceId = hexId(16);
    let sent = 0;
    const send = async (): Promise<void> => {
      await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody([call('late', {}, traceId)]) });
      sent += 1;
    };
    await send();
    await eventually(countOf('late'), ([calls]) => calls === 1);
    isAway = true;
    // Until the trace was forgotten before one of them.
    for (let time = 0; time < 50 && said.length === 0; time += 1) {
      await send();
      await sleep(300);
    }
    const problem = 'Calls wait to be settled: The store is away.';
    expect(said).toEqual([problem]);
    expect(ingest.problems).toEqual([problem]);
    await sleep(1_500);
    expect(said).toEqual([problem]);
    isAway = false;
    expect(await eventually(countOf('late'), ([calls]) => calls === sent)).toEqual([sent, sent]);
    expect(said).toEqual([problem, null]);
    expect(ingest.problems).toEqual([]);
    expect(bugs).toEqual([]);
    await ingest.stop(5_000);
  });

  it('that refuses single rows for good goes on, and they can be listed, shown and replayed', async () => {
    await store.database.command(`ALTER TABLE invocations ADD CONSTRAINT healthy CHECK user_id != 'poison'`);
    const ingest = createIngest(store.telemetry);
    await ingest.start();
    const poison = call('poison', { 'user.id': 'poison' });
    const spans = [...Array.from({ length: 9 }, () => call('poison')), poison];
    await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
    expect(await eventually(countOf('poison'), ([calls]) => calls === 9)).toEqual([9, 9]);
    await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody([call('poison')]) });
    expect(await eventually(countOf('poison'), ([calls]) => calls === 10)).toEqual([10, 10]);

    const { quarantine } = ingest;
    const [entry, ...others] = await eventually(
      () => quarantine.list('waiting', 10),
      (entries) => entries.length > 0,
    );
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ kind: 'row', lane: 'invocations', reason: expect.stringContaining('healthy') });
    expect((await quarantine.show(entry?.id ?? ''))?.payload).toContain(poison.traceId);
    await expect(quarantine.replay(entry?.id ?? '')).rejects.toThrow('healthy');
    await store.database.command('ALTER TABLE invocations DROP CONSTRAINT healthy');
    await quarantine.replay(entry?.id ?? '');
    expect(await countOf('poison')()).toEqual([11, 11]);
    expect(await quarantine.list('waiting', 10)).toEqual([]);
    expect(await quarantine.list('replayed', 10)).toHaveLength(1);
    await ingest.stop(5_000);
  });
});
