import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { readMessageLists } from '../../src/store/telemetry/message-lists.ts';

const CONVERSATION = 'sha256:0123456789ab';
const hashOf = (conversation: string, list: number): string => conversation + list.toString(16).padStart(20, '0');

describe('message lists', () => {
  let directory: string;
  let database: Database;
  const ask: Database['queryAhead'] = (sql, parameters) => database.queryAhead(sql, parameters);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'plumbline-lists-'));
    database = await openDatabase({ path: join(directory, 'store') }, '0.0.0-test', systemClock);
    await migrate(database, systemClock);
  }, 120_000);

  afterAll(async () => {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('come whole from a chain of rows, also where more conversations begin alike than are read at once', async () => {
    const turns = 200;
    // In the store's order the strangers stand between the turns, and before most of them.
    const chain = Array.from({ length: turns }, (_, turn) => ({
      hash: hashOf(CONVERSATION, turn * 1_000),
      base: turn === 0 ? '' : hashOf(CONVERSATION, (turn - 1) * 1_000),
      messages: [`"turn ${turn}"`],
    }));
    const strangers = Array.from({ length: 6_000 }, (_, index) => ({
      hash: hashOf(CONVERSATION, index * 34 + 1),
      base: '',
      messages: ['"of somebody else"'],
    }));
    await database.insert('call_lists', [...chain, ...strangers]);
    const last = hashOf(CONVERSATION, (turns - 1) * 1_000);
    const early = hashOf(CONVERSATION, 2_000);
    const lists = await readMessageLists(ask, [last, early]);
    expect(lists.get(last)).toEqual(chain.flatMap((row) => row.messages));
    expect(lists.get(early)).toEqual(['"turn 0"', '"turn 1"', '"turn 2"']);
  });

  it('of which a part is not there are left out, and the others come', async () => {
    const [whole, broken] = ['sha256:ffffffffffff', 'sha256:eeeeeeeeeeee'];
    await database.insert('call_lists', [
      { hash: hashOf(whole, 1), base: '', messages: ['"a"'] },
      { hash: hashOf(broken, 2), base: hashOf(broken, 1), messages: ['"b"'] },
    ]);
    const lists = await readMessageLists(ask, [hashOf(whole, 1), hashOf(broken, 2), hashOf(broken, 3)]);
    expect([...lists]).toEqual([[hashOf(whole, 1), ['"a"']]]);
  });
});
