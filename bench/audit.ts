/**
 * What the audit chain costs: CPU for each observation, entries and bytes a day, and how long it takes to verify a day.
 * Ten thousand targets are looked at every 30 s by a clock that is turned on, and few of them change.
 *
 * `npm run bench -- audit [--targets 10000] [--minutes 30] [--json]`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HeldObservation } from '../src/contract/observation.ts';
import type { Clock, Timestamp } from '../src/contract/time.ts';
import { addMillis, systemClock } from '../src/lib/time.ts';
import { openTrail } from '../src/store/audit/open-trail.ts';
import type { AuditTrail } from '../src/store/audit/trail.ts';
import type { Database } from '../src/store/database.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { createStore, type Store } from '../src/store/index.ts';
import { migrate } from '../src/store/migrate.ts';
import { textBody } from '../src/text/body.ts';
import { contentHashes } from '../src/text/hashes.ts';
import { numberAfter } from './shared/arguments.ts';
import { rounded } from './shared/figures.ts';

const EVERY_MS = 30_000;
const ROUNDS_A_DAY = 86_400_000 / EVERY_MS;
/** As the polling host hands them over. */
const BATCH = 200;
/** Of all targets, a hundred times a day each tenth of a thousandth: some 1,000 changes a day. */
const CHANGES_A_DAY = 1_000;
const WARM_UP_ROUNDS = 4;

class TurnedClock implements Clock {
  #elapsedMs = 0;
  readonly #start: Timestamp;

  constructor(start: Timestamp) {
    this.#start = start;
  }

  now(): Timestamp {
    return addMillis(this.#start, this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  turn(millis: number): void {
    this.#elapsedMs += millis;
  }
}

export async function run(args: readonly string[]): Promise<void> {
  const targets = numberAfter(args, '--targets', 10_000);
  const rounds = (numberAfter(args, '--minutes', 30) * 60_000) / EVERY_MS;
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-audit-bench-'));
  const database = await openDatabase({ path: directory }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    const clock = new TurnedClock(addMillis(systemClock.now(), -86_400_000));
    const look = places(targets);
    const without = createStore(database, clock);
    await poll(WARM_UP_ROUNDS, without, clock, look);
    const before = await usOf(() => poll(rounds / 2, without, clock, look));
    const trail = await openTrail(database, clock, 'bench');
    const store = createStore(database, clock, trail);
    await poll(WARM_UP_ROUNDS, store, clock, look);
    await trail.flush();
    const entriesBefore = trail.head?.sequence ?? 0;
    const after = await usOf(() => poll(rounds, store, clock, look));
    await trail.flush();
    const entries = (trail.head?.sequence ?? 0) - entriesBefore;
    const looks = rounds * targets;
    const result = {
      observations: looks,
      us_per_observation: rounded(after / looks, 2),
      us_without_chain: rounded(before / (looks / 2), 2),
      entries_a_day: Math.round((entries / rounds) * ROUNDS_A_DAY),
      ...(await sizes(database, looks, entries, rounds)),
      ...(await verified(store, trail)),
    };
    if (args.includes('--json')) console.log(JSON.stringify({ audit: result }));
    else for (const [name, value] of Object.entries(result)) console.log(`${name.replaceAll('_', ' ')}: ${value}`);
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

type Look = (at: Timestamp) => readonly HeldObservation[];

function places(count: number): Look {
  const bodies = Array.from({ length: 50 }, (_, index) => textBody(`Prompt ${index}: ${'be kind. '.repeat(50)}`));
  const hashes = bodies.map((body) => contentHashes(body));
  const held = Array.from({ length: count }, (_, index) => index % bodies.length);
  const changes = Math.round(CHANGES_A_DAY / ROUNDS_A_DAY);
  let turn = 0;
  return (at) => {
    for (let change = 0; change < Math.max(1, changes); change++) {
      turn += 1;
      // Some 1,000 of the 2,880 rounds of a day.
      if (turn % 3 === 0) held[(turn * 7_919) % count] = turn % bodies.length;
    }
    return held.map((which, index) => ({
      target: `config-${index % 20}/team.prompt-${index}`,
      source: `config-${index % 20}`,
      sourceType: 'files',
      prompt: `team.prompt-${index}`,
      environment: 'production',
      part: '',
      observedAt: at,
      askedAt: addMillis(at, -5),
      outcome: 'held',
      body: bodies[which] as HeldObservation['body'],
      hashes: hashes[which] as HeldObservation['hashes'],
      settings: { model: 'model-a' },
      pointer: { name: 'path', value: `/etc/prompts/${index}.txt` },
      sourceVersion: null,
      editedAt: null,
      editedBy: null,
      share: null,
      url: null,
    }));
  };
}

async function poll(count: number, { observations }: Store, clock: TurnedClock, look: Look): Promise<void> {
  for (let index = 0; index < count; index++) {
    const all = look(clock.now());
    const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, batch) =>
      all.slice(batch * BATCH, (batch + 1) * BATCH),
    );
    await Promise.all(batches.map((batch) => observations.append(batch)));
    clock.turn(EVERY_MS);
  }
}

/** CPU of this thread, in microseconds: the engine's own threads do the same with and without. */
async function usOf(work: () => Promise<void>): Promise<number> {
  const start = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(start);
  return user + system;
}

async function sizes(database: Database, looks: number, entries: number, rounds: number): Promise<object> {
  // In small parts columns have no size of their own.
  await database.command('ALTER TABLE observations MODIFY SETTING min_bytes_for_wide_part = 0');
  await database.command('OPTIMIZE TABLE observations FINAL');
  await database.command('OPTIMIZE TABLE audit_entries FINAL');
  const [row] = await database.query<{ chain: string; marks: string; whole: string; observed: string }>(
    `SELECT (SELECT sum(data_compressed_bytes) FROM system.parts WHERE active AND table = 'audit_entries') AS chain,
       sumIf(column_data_compressed_bytes, table = 'observations' AND startsWith(column, 'audit_')) AS marks,
       sumIf(column_data_compressed_bytes, table = 'observations') AS whole,
       (SELECT count() FROM observations) AS observed
     FROM system.parts_columns WHERE active AND database = currentDatabase()`,
  );
  const [all] = await database.query<{ entries: string }>('SELECT count() AS entries FROM audit_entries');
  const bytesAnEntry = Number(row?.chain) / Number(all?.entries);
  const marks = Number(row?.marks) / Number(row?.observed);
  const observations = (looks / rounds) * ROUNDS_A_DAY;
  return {
    bytes_an_entry: rounded(bytesAnEntry, 0),
    bytes_an_observation: rounded(Number(row?.whole) / Number(row?.observed), 2),
    of_which_marks: rounded(marks, 3),
    mb_a_day: rounded((bytesAnEntry * (entries / rounds) * ROUNDS_A_DAY + marks * observations) / 1e6, 2),
  };
}

async function verified(store: Store, trail: AuditTrail): Promise<object> {
  await trail.stop(10_000);
  const start = performance.now();
  const { findings, rows } = await store.audit.verify({ noted: [] });
  if (findings.length > 0) throw new Error(`The chain does not verify: ${findings[0]?.words}`);
  const seconds = (performance.now() - start) / 1_000;
  return {
    verify_s: rounded(seconds, 1),
    verify_observations_per_s: Math.round((rows['observations'] ?? 0) / seconds),
  };
}
