import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RestoreRecord } from '../../src/contract/restore-log.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { NO_TRAIL } from '../../src/store/audit/trail.ts';
import { createRestoreLog } from '../../src/store/restore-log.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { time } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.0.0', systemClock),
  server: async () => await openDatabase({ url: (await startClickHouseHttp()).url }, '1.0.0', systemClock),
};

function begun(id: string, at: string, more: Partial<RestoreRecord> = {}): RestoreRecord {
  return {
    id,
    target: 'config/greeting',
    prompt: 'greeting',
    environment: 'production',
    begunAt: time(at),
    endedAt: null,
    by: 'oncall',
    reason: 'the 02:47 “edit”',
    from: { version: null, hash: sha256('edited') },
    to: { version: '2', hash: sha256('two') },
    result: 'begun',
    words: '',
    ...more,
  };
}

describe.each(['embedded', 'server'] as const)('restores, %s', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, systemClock);
  });
  afterAll(async () => await database.close());

  it('are listed with what came of each, newest first; what never ended stays begun', async () => {
    const log = createRestoreLog(database, NO_TRAIL);
    const ended = begun('b', '02:00:00', { result: 'restored', endedAt: time('02:00:01'), words: 'as read back' });
    const elsewhere = begun('c', '03:00:00', { target: 'other/greeting', result: 'failed', endedAt: time('02:59:00') });
    await log.append(begun('a', '01:00:00'));
    await log.append(begun('b', '02:00:00'));
    await log.append(ended);
    await log.append(ended);
    await log.append({ ...elsewhere, result: 'begun', endedAt: null });
    await log.append(elsewhere);
    const all = [elsewhere, ended, begun('a', '01:00:00')];
    expect(await log.list({}, { limit: 10 })).toEqual({ items: all, nextCursor: null });
    const first = await log.list({ prompt: 'greeting' }, { limit: 2 });
    expect(first.items).toEqual(all.slice(0, 2));
    const second = await log.list({ prompt: 'greeting' }, { limit: 2, cursor: first.nextCursor ?? '' });
    expect(second).toEqual({ items: all.slice(2), nextCursor: null });
    expect((await log.list({ target: 'config/greeting', environment: 'production' }, { limit: 10 })).items).toEqual(
      all.slice(1),
    );
  });
});
