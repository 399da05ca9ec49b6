/** The clock was a day ahead and is set right: what is seen from then on counts, though its times are earlier. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pin } from '../../src/contract/prompt.ts';
import type { Clock } from '../../src/contract/time.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { bringBackFutureRows } from '../../src/store/future-rows.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { held, incident, judgement, registered, time, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.0.0', systemClock),
  server: async () => await openDatabase({ url: (await startClickHouseHttp()).url }, '1.0.0', systemClock),
};

const TOMORROW = '2026-11-21T12:00:00Z';
const NOW = '2026-11-20T12:00:00Z';
const clock: Clock = { ...systemClock, now: () => time(NOW) };

describe.each(['embedded', 'server'] as const)('a clock that is set back, %s', (kind) => {
  let database: Database;
  let store: Store;

  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, clock);
    store = createStore(database, clock);
  });
  afterAll(async () => await database.close());

  it('the newest of a target is what was seen last', async () => {
    await store.observations.append([
      held('2026-11-21T11:59:00Z', 'drifted'),
      { ...unanswered('12:00:00', 'unreachable'), observedAt: time(TOMORROW) },
      held('11:00:00', 'of today', { target: 'config/other' }),
    ]);
    const drifted = judgement({ target: 'config/greeting', verdict: 'edited' });
    await store.verdicts.append([{ judgement: drifted, at: time(TOMORROW) }]);

    expect(await bringBackFutureRows(database, clock)).toBe(time(TOMORROW));
    expect(await bringBackFutureRows(database, clock)).toBeNull();
    const [greeting, other] = await store.observations.latest();
    expect(greeting).toMatchObject({
      last: { outcome: 'unreachable', observedAt: time(NOW) },
      lastAnswered: { outcome: 'held', body: { text: 'drifted' } },
    });
    expect(other?.last.observedAt).toBe(time('11:00:00'));
    expect(await store.verdicts.latest(['config/greeting'])).toMatchObject([{ at: time(NOW) }]);

    await store.observations.append([held('12:00:30', 'right again')]);
    await store.verdicts.append([{ judgement: { ...drifted, verdict: 'in_sync' }, at: time('12:00:30') }]);
    expect((await store.observations.latest())[0]?.last).toMatchObject({ body: { text: 'right again' } });
    expect(await store.verdicts.latest(['config/greeting'])).toMatchObject([{ judgement: { verdict: 'in_sync' } }]);
    expect(await store.observations.lastLooks(['config/greeting'])).toMatchObject([{ lookedAt: time('12:00:30') }]);
  });

  it('what is registered and pinned is known from now on, by the same process and after a restart', async () => {
    const [one, two] = [registered('1', 'Be kind.'), registered('2', 'Be brief.', { parent: '1' })];
    await store.registry.recordVersions([one, two], time(TOMORROW));
    await store.registry.recordPins([pin('1')], time(TOMORROW), ['lockfile']);
    const ask = async (at: string) => {
      const knownAt = { ...clock, now: () => time(at) };
      const { intended } = await createStore(database, knownAt).timeline.at({
        prompt: 'greeting',
        environment: 'production',
        time: time(at),
      });
      return [intended?.version, intended?.text];
    };
    expect(await ask('12:00:00')).toEqual([undefined, undefined]);

    await store.registry.recordVersions([one, two], time('12:00:00'));
    expect(await store.registry.recordPins([pin('1')], time('12:00:00'), ['lockfile'])).toBe(true);
    expect(await ask('12:00:10')).toEqual(['1', 'Be kind.']);

    const { registry } = createStore(database, clock);
    await registry.recordVersions([one, two], time('12:01:00'));
    await registry.recordPins([pin('2')], time('12:01:00'), ['lockfile']);
    expect(await ask('12:01:10')).toEqual(['2', 'Be brief.']);
    // When the time comes it is of yesterday, and corrected.
    expect(await registry.recordPins([pin('2')], time('2026-11-21T11:59:30Z'), ['lockfile'])).toBe(false);
    expect(await ask('2026-11-21T12:01:00Z')).toEqual(['2', 'Be brief.']);
    const [{ rows } = { rows: '' }] = await database.query<{ rows: string }>(
      'SELECT count() AS rows FROM registered_versions',
    );
    expect(rows).toBe('4');
  });

  it('an incident of the time ahead does not hide the one that opened after it', async () => {
    const ahead = { ...incident('ahead'), fingerprint: 'f', openedAt: time('2026-12-20T12:00:00Z') };
    const ended = { ...ahead, status: 'resolved', updatedAt: time(NOW), resolvedAt: time(NOW), revision: 2 } as const;
    await store.incidents.append(ahead, 'opened', 'plumbline');
    await store.incidents.append(ended, 'resolved', 'plumbline');
    const again = { ...incident('again'), fingerprint: 'f', openedAt: time(TOMORROW), updatedAt: time(TOMORROW) };
    await store.incidents.append(again, 'opened', 'plumbline');
    expect(await store.incidents.newestWithFingerprint('f')).toMatchObject({ id: 'again' });
    const over = { ...again, status: 'resolved', updatedAt: time('2026-11-21T12:05:00Z'), revision: 2 } as const;
    await store.incidents.append(over, 'resolved', 'plumbline');
    expect(await store.incidents.newestWithFingerprint('f')).toMatchObject({ id: 'again', revision: 2 });
  });
});

function pin(version: string): Pin {
  const { variants, prompt } = registered(version, version === '1' ? 'Be kind.' : 'Be brief.');
  return {
    environment: 'production',
    prompt,
    version,
    hash: variants[0].hashes.strict,
    rule: 'lockfile',
    since: null,
    by: null,
    origin: { file: 'prompts.lock.yaml' },
  };
}
