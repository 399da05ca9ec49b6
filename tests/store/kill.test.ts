import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { seededRandom } from '../support/random.ts';
import { held, time, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const ROUNDS = 10;
const STALL_MS = 40_000;
const WRITER = join(import.meta.dirname, '..', 'support', 'store-writer.ts');

interface Acknowledged {
  observation: number;
  incident: number;
}

/** Runs the writer until it is killed, `waitMs` after its `count`-th acknowledgement. */
async function writeUntilKilled(
  directory: string,
  first: number,
  count: number,
  waitMs: number,
): Promise<Acknowledged> {
  const child = spawn(process.execPath, [WRITER, directory, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const acknowledged: Acknowledged = { observation: first - 1, incident: first - 1 };
  let lines = 0;
  // A writer that stops is a finding of its own, and must not look like a slow machine.
  const stalled = setTimeout(() => child.kill('SIGTERM'), STALL_MS);
  for await (const line of createInterface(child.stdout)) {
    const [kind = '', number = ''] = line.split(' ');
    acknowledged[kind as keyof Acknowledged] = Number(number);
    lines++;
    stalled.refresh();
    if (lines === count) setTimeout(() => child.kill('SIGKILL'), waitMs);
  }
  clearTimeout(stalled);
  const [code, signal] = (await exit) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`After ${lines} lines the writer ended with ${code ?? signal}.`);
  return acknowledged;
}

/** As if the process had been killed when the rows were written and noted, and did not have their name yet. */
function takeParts(directory: string, of: string): number {
  // Each table's folder is linked from a second place.
  const files = readdirSync(join(directory, 'clickhouse', 'store'), { recursive: true, withFileTypes: true });
  const parts = files.filter((file) => file.isDirectory() && file.name.startsWith(of));
  for (const { parentPath, name } of parts) rmSync(join(parentPath, name), { recursive: true, force: true });
  return parts.length;
}

describe('kill -9', () => {
  it('does not keep the same rows from being stored when they are appended again', async () => {
    const directory = tempDirectory();
    const polls = [held('00:00:00', 'one'), unanswered('00:01:00', 'unreachable')];
    const write = async () => {
      const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
      await migrate(database, systemClock);
      const { observations } = createStore(database, systemClock);
      await observations.append(polls);
      const seen = await observations.list({}, { limit: 10 });
      await database.close();
      return seen.items.map(({ observedAt }) => observedAt);
    };
    const both = polls.map(({ observedAt }) => observedAt).toReversed();
    expect(await write()).toEqual(both);
    // The observations' partition is their month.
    expect(takeParts(directory, '202611_')).toBeGreaterThan(0);
    expect(await write()).toEqual(both);
  });

  it('loses nothing acknowledged, and the next start needs no help', { timeout: 180_000 }, async () => {
    const random = seededRandom();
    const directory = tempDirectory();
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const words = `seed ${random.seed}, round ${round}`;
      const acknowledged = await writeUntilKilled(directory, next, 8 + random.below(24), random.next() * 12);
      const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
      await migrate(database, systemClock);
      const [seen] = await database.query<{ numbers: string; last: string }>(
        `SELECT uniqExact(observed_at) AS numbers, max(intDiv(toUnixTimestamp64Milli(observed_at)
           - toUnixTimestamp64Milli({start:DateTime64(9, 'UTC')}), 1000)) AS last FROM observations`,
        { start: time('00:00:00') },
      );
      // What was in flight may be there or not; nothing before it is missing.
      expect(Number(seen?.last), words).toBeGreaterThanOrEqual(acknowledged.observation);
      expect(Number(seen?.numbers), words).toBe(Number(seen?.last) + 1);
      const [revisions] = await database.query<{ count: string; last: string }>(
        'SELECT uniqExact(revision) AS count, max(revision) AS last FROM incidents',
      );
      expect(Number(revisions?.last), words).toBeGreaterThanOrEqual(acknowledged.incident + 1);
      expect(revisions?.count, words).toBe(revisions?.last);
      await database.close();
      // Both kinds go on from where the shorter one ends, so that a gap can only be a loss.
      next = Math.min(Number(seen?.last) + 1, Number(revisions?.last));
    }
    expect(next).toBeGreaterThan(25);

    const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
    const { timeline } = createStore(database, systemClock);
    const textAt = async (second: number) => {
      const at = addMillis(time('00:00:00'), second * 1_000);
      const answer = await timeline.at({ prompt: 'greeting', environment: 'production', time: at });
      return answer.held.map(({ text, from }) => [text, from[1]]);
    };
    const begins = (second: number) => addMillis(time('00:00:00'), second * 1_000);
    expect(await textAt(-1)).toEqual([]);
    expect(await textAt(6), `seed ${random.seed}`).toEqual([['one', begins(0)]]);
    expect(await textAt(18), `seed ${random.seed}`).toEqual([['two', begins(12)]]);
    expect(await textAt(24), `seed ${random.seed}`).toEqual([['three', begins(24)]]);
    await database.close();
  });
});
