/** What could not be entered when it was recorded is made up for, and marked so: nothing is without an entry for good. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Clock } from '../../src/contract/time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { enterDoubtfulBatches, enterLateBatches, enterLateRows } from '../../src/store/audit/late-entries.ts';
import { openTrail } from '../../src/store/audit/open-trail.ts';
import { AuditTrail } from '../../src/store/audit/trail.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { held, incident, registered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

const WRITER = join(import.meta.dirname, '../support/audit-writer-process.ts');
const MINUTE_MS = 60_000;

async function open(directory: string): Promise<Database> {
  const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
  await migrate(database, systemClock);
  return database;
}

const look = (clock: Clock, text = 'one', target = 'config/a') => held(clock.now(), text, { target });

async function makeUp(database: Database, trail: AuditTrail, clock: Clock): Promise<number> {
  const until = clock.now();
  const rows = await enterLateRows(database, trail, { until, entered: trail.isFirst ? 'earlier' : 'late' });
  return rows + (await enterLateBatches(database, trail, trail.before?.at ?? null, until));
}

describe('late entries', () => {
  it('are made for what was recorded before there was a chain', async () => {
    const database = await open(tempDirectory());
    const clock = new TurnableClock(addMillis(systemClock.now(), -60 * MINUTE_MS));
    const before = createStore(database, clock);
    await before.registry.recordVersions([registered('1', 'one')], clock.now());
    await before.incidents.append(incident('i1', { updatedAt: clock.now() }), 'opened', 'system');
    await before.observations.append([look(clock)]);
    clock.advance(30 * MINUTE_MS);
    const trail = await openTrail(database, clock, 'writer-1');
    const store = createStore(database, clock, trail);
    expect(await makeUp(database, trail, clock)).toBe(2);
    expect(await makeUp(database, trail, clock)).toBe(0);
    clock.advance(30 * MINUTE_MS);
    await store.observations.append([look(clock)]);
    await trail.stop(10_000);
    expect(await store.audit.verify({ noted: [] })).toMatchObject({
      findings: [],
      earlier: 2,
      late: 0,
      notCovered: 1,
      waiting: 0,
    });
    await database.close();
  });

  it('are made for a process that was killed, by the next', { timeout: 180_000 }, async () => {
    const directory = tempDirectory();
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [WRITER, directory, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exit = once(child, 'exit');
      let lines = 0;
      // In the last round before the first entry is written.
      for await (const line of createInterface(child.stdout)) {
        lines += line === '' ? 0 : 1;
        if (lines === 10 + round * 3) child.kill('SIGKILL');
      }
      await exit;
      const database = await open(directory);
      const trail = await openTrail(database, systemClock, 'writer-1');
      const store = createStore(database, systemClock, trail);
      const left = await store.audit.verify({ noted: [] });
      expect(left.waiting, `round ${round}`).toBeGreaterThan(0);
      expect(await makeUp(database, trail, systemClock), `round ${round}`).toBeGreaterThan(0);
      await trail.stop(10_000);
      const { waiting, findings, late, earlier } = await store.audit.verify({ noted: [] });
      expect([waiting, findings], `round ${round}`).toEqual([0, []]);
      expect(late + earlier).toBeGreaterThan(0);
      await database.close();
    }
  });

  it('are made for a batch of which an insert failed, from what of it is in the store', async () => {
    const database = await open(tempDirectory());
    const clock = new TurnableClock(addMillis(systemClock.now(), -30 * MINUTE_MS));
    let fails: 'before' | 'after' | null = null;
    const flaky: Database = {
      ...database,
      insertJsonLines: async (table, lines) => {
        if (table === 'observations' && fails === 'before') throw new Fault('transient', 'The store is away.');
        await database.insertJsonLines(table, lines);
        if (table === 'observations' && fails === 'after') throw new Fault('transient', 'Nobody knows.');
      },
    };
    const begun = clock.now();
    const trail = await openTrail(flaky, clock, 'writer-1');
    const { observations, audit } = createStore(flaky, clock, trail);
    await observations.append([look(clock)]);
    for (const how of ['before', 'after'] as const) {
      clock.advance(1_000);
      fails = how;
      await expect(observations.append([look(clock, 'one', `config/${how}`)])).rejects.toThrow(Fault);
    }
    fails = null;
    clock.advance(MINUTE_MS);
    await observations.append([look(clock)]);
    await trail.flush();
    expect(trail.takeLeftOut(2 * MINUTE_MS).batches).toEqual([]);
    clock.advance(2 * MINUTE_MS);
    const { batches } = trail.takeLeftOut(2 * MINUTE_MS);
    expect(batches).toEqual([1]);
    expect(await enterDoubtfulBatches(flaky, trail, batches, begun)).toBe(1);
    await trail.stop(10_000);
    expect(await audit.verify({ noted: [] })).toMatchObject({
      findings: [],
      late: 1,
      waiting: 0,
      rows: { observations: 3 },
    });
    await database.close();
  });

  it('wait while entries can’t be written, which is written again until it is; a store that refuses delays nothing', async () => {
    const database = await open(tempDirectory());
    const clock = new TurnableClock(addMillis(systemClock.now(), -30 * MINUTE_MS));
    let refuses = true;
    const refusing: Database = {
      ...database,
      insertJsonLines: async (table, lines) => {
        // Nobody knows whether the first attempt was written: it was.
        await database.insertJsonLines(table, lines);
        if (table === 'audit_entries' && refuses) throw new Fault('transient', 'Nobody knows.');
      },
    };
    const trail = await openTrail(refusing, clock, 'writer-1');
    const { incidents, audit } = createStore(refusing, clock, trail);
    for (let revision = 1; revision <= 3; revision++) {
      await incidents.append(incident('i1', { revision, updatedAt: clock.now() }), 'updated', 'system');
      await trail.flush();
      expect(trail.problem).toBeInstanceOf(Fault);
    }
    refuses = false;
    await trail.flush();
    expect(trail.problem).toBeNull();
    expect(trail.head).toMatchObject({ sequence: 4 });
    expect(await audit.verify({ noted: [] })).toMatchObject({ findings: [], entries: 4, rows: { incident: 3 } });
    await trail.stop(10_000);
    await database.close();
  });

  it('do not hide what was put in by hand: it was recorded while the chain was written', async () => {
    const database = await open(tempDirectory());
    const clock = new TurnableClock(addMillis(systemClock.now(), -100 * MINUTE_MS));
    const start = async (): Promise<{ trail: AuditTrail; store: ReturnType<typeof createStore> }> => {
      const trail = await openTrail(database, clock, 'writer-1');
      return { trail, store: createStore(database, clock, trail) };
    };
    const first = await start();
    for (let minute = 0; minute < 30; minute += 1) {
      await first.store.observations.append([look(clock)]);
      clock.advance(MINUTE_MS);
      await first.trail.flush();
    }
    const revision = { updatedAt: addMillis(clock.now(), -15 * MINUTE_MS) };
    await first.store.incidents.append(incident('i1', { updatedAt: clock.now() }), 'opened', 'system');
    await first.trail.stop(10_000);
    // By nobody who writes a chain.
    const byHand = createStore(database, clock);
    await byHand.incidents.append(incident('forged', revision), 'opened', 'mallory');
    await byHand.incidents.append(incident('new', { updatedAt: addMillis(clock.now(), -1) }), 'opened', 'mallory');
    await database.command(
      `INSERT INTO observations
       SELECT * REPLACE (observed_at + INTERVAL 1 SECOND AS observed_at, toUInt64(77) AS audit_batch, 'mallory' AS edited_by)
       FROM (SELECT * FROM observations LIMIT 1)`,
    );
    // The process told of its end: nothing of it waits for an entry.
    expect(await first.store.audit.verify({ noted: [] })).toMatchObject({ waiting: 0, findingsTotal: 3 });
    clock.advance(10 * MINUTE_MS);
    const second = await start();
    await makeUp(database, second.trail, clock);
    const { findings, late } = await second.store.audit.verify({ noted: [] });
    expect(late).toBe(2);
    expect(findings.map(({ what, kind, words }) => [what, kind, words])).toEqual([
      ['row_without_entry', 'observations', expect.stringContaining('1 observations between')],
      ['row_without_entry', 'incident', expect.stringMatching(/forged, 1, opened.*though the chain was being written/)],
    ]);
    await second.trail.stop(10_000);
    await database.close();
  });

  it('of replicas: each has a chain of its own, and one makes up for another that is gone', async () => {
    const database = await open(tempDirectory());
    const clock = new TurnableClock(addMillis(systemClock.now(), -120 * MINUTE_MS));
    const [first, second] = [
      await openTrail(database, clock, 'writer-1'),
      await openTrail(database, clock, 'writer-2'),
    ];
    await createStore(database, clock, first).observations.append([look(clock, 'one', 'config/first')]);
    await createStore(database, clock, second).observations.append([look(clock, 'one', 'config/second')]);
    await first.flush();
    await second.stop(10_000);
    // The first is killed here, and never comes back.
    clock.advance(60 * MINUTE_MS);
    const third = await openTrail(database, clock, 'writer-2');
    const { audit } = createStore(database, clock, third);
    expect(await makeUp(database, third, clock)).toBe(1);
    await third.stop(10_000);
    const verification = await audit.verify({ noted: [] });
    expect(verification).toMatchObject({ findings: [], segments: 3, late: 1, waiting: 0 });
    expect(verification.heads.map(({ writer }) => writer).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'writer-1',
      'writer-2',
    ]);
    await database.close();
  });
});
