import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const THREADS = '/proc/self/task';

interface Thread {
  readonly name: string;
  readonly nice: number;
}

function threads(): readonly Thread[] {
  return readdirSync(THREADS).map((id) => ({
    name: id === String(process.pid) ? 'the daemon' : readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim(),
    nice: getPriority(Number(id)),
  }));
}

function namesAt(nice: number): Set<string> {
  return new Set(threads().flatMap((thread) => (thread.nice === nice ? [thread.name] : [])));
}

// Elsewhere threads have no priorities of their own, and who has stepped back himself can't come forward.
describe.runIf(process.platform === 'linux' && getPriority() === 0)(
  'the threads beside the one that everything waits for',
  () => {
    let database: Database;
    beforeAll(async () => {
      database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
    });
    afterAll(() => database.close());

    it("step back: the engine's most, V8's helpers less, the thread itself not", () => {
      expect(getPriority(process.pid)).toBe(0);
      expect(namesAt(5)).toEqual(new Set(['V8Worker']));
      expect(namesAt(10)).toContain('ThreadPool');
    });

    it('also those that the engine starts for a statement', async () => {
      await database.query('SELECT sum(number) FROM numbers_mt(30000000) SETTINGS max_threads = 8');
      const own = new Set(['the daemon', 'DelayedTaskSche', 'SignalInspector']);
      expect([...namesAt(0)].filter((name) => !own.has(name))).toEqual([]);
    });
  },
);
