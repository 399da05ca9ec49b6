import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/contract/store.ts';
import type { Observation } from '../../src/contract/observation.ts';
import type { Pin } from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { chatBody, textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { held, incident, judgement, registered, time, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.0.0', systemClock),
  server: async () => await openDatabase({ url: (await startClickHouseHttp()).url }, '1.0.0', systemClock),
};

describe.each(['embedded', 'server'] as const)('the store, %s', (kind) => {
  let database: Database;
  let store: Store;
  /** Another replica, or this one after a restart: knows only what is written down. */
  const fresh = (): Store => createStore(database, systemClock);

  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, systemClock);
    store = fresh();
  });
  afterAll(async () => await database.close());

  it('stores each text once', async () => {
    const texts = new Map([
      [sha256('one'), 'one'],
      [sha256('zwei \0 ü\n\\'), 'zwei \0 ü\n\\'],
      [sha256('x'.repeat(3_000_000)), 'x'.repeat(3_000_000)],
    ]);
    await store.texts.put(texts);
    await store.texts.put(texts);
    expect(await fresh().texts.get([...texts.keys(), sha256('never stored')])).toEqual(texts);
    const [row] = await database.query('SELECT count() AS n FROM texts');
    expect(row).toEqual({ n: '3' });
    await fresh().texts.put(texts);
    expect(await store.texts.get([...texts.keys()])).toEqual(texts);
    expect(await store.texts.get([])).toEqual(new Map());
  });

  it('gives observations back as they were', async () => {
    const chat = chatBody([
      { role: 'system', content: 'Be kind.\n' },
      { role: 'user', content: '{{question}}' },
    ]);
    const observations: Observation[] = [
      held('01:00:00.000000001', 'hello', { target: 'roundtrip/a' }),
      held('01:00:01', chat, {
        target: 'roundtrip/b',
        part: 'blue',
        settings: { model: 'gpt-5', parameters: { temperature: 0.5 }, tools: [{ name: 'search' }] },
        pointer: { name: 'label', value: 'production' },
        sourceVersion: '7',
        editedAt: time('00:59:59.123456789'),
        editedBy: 'ana@example.com',
        share: 0.25,
        url: 'https://example.com/p',
      }),
      held('01:00:02', '', { target: 'roundtrip/c' }),
      unanswered('01:00:03', 'missing', { target: 'roundtrip/a' as 'config/greeting' }),
      unanswered('01:00:04', 'unreachable', { target: 'roundtrip/a' as 'config/greeting' }),
    ];
    await store.observations.append(observations);
    await store.observations.append(observations);
    const { items, nextCursor } = await fresh().observations.list(
      { from: time('01:00:00'), to: time('01:30:00') },
      { limit: 100 },
    );
    expect(items).toEqual(observations.toReversed());
    expect(nextCursor).toBeNull();
  });

  it('pages through observations', async () => {
    const many = Array.from({ length: 25 }, (_, index) =>
      held(addMillis(time('04:00:00'), Math.floor(index / 5) * 1_000), `text ${index}`, {
        target: `page/${index % 5}`,
      }),
    );
    // Twice, and each is one row all the same.
    await store.observations.append(many);
    await store.observations.append(many);
    const filter = { from: time('04:00:00'), to: time('04:59:00') };
    const seen: Observation[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.observations.list(filter, { limit: 7, cursor });
      expect(page.items.length).toBeLessThanOrEqual(7);
      seen.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(many.toReversed());
    const withoutTime = Buffer.from('["noon", "page/1", ""]').toString('base64url');
    for (const wrong of ['mine', withoutTime])
      await expect(store.observations.list(filter, { limit: 7, cursor: wrong })).rejects.toMatchObject({
        kind: 'permanent',
        message: 'The cursor is not one that this list gave.',
      });
    const one = await store.observations.list({ ...filter, target: 'page/3' }, { limit: 100 });
    expect(one.items).toHaveLength(5);
  });

  it('knows the latest answer beside the latest try', async () => {
    const target = 'latest/a' as 'config/greeting';
    const text = held('05:00:00', 'hello', { target });
    const failed = unanswered('05:00:30', 'unreachable', { target });
    const never = unanswered('05:00:30', 'unreachable', { target: 'latest/b' as 'config/greeting' });
    await store.observations.append([text, failed, never]);
    const ours = async () => (await fresh().observations.latest()).filter((each) => each.target.startsWith('latest/'));
    expect(await ours()).toEqual([
      { target, part: '', last: failed, lastAnswered: text },
      { target: 'latest/b', part: '', last: never, lastAnswered: null },
    ]);
    // Evidence that comes late does not overwrite what is newer.
    await store.observations.append([held('04:59:00', 'older', { target })]);
    const gone = unanswered('05:01:00', 'missing', { target });
    await store.observations.append([gone]);
    expect((await ours())[0]).toEqual({ target, part: '', last: gone, lastAnswered: gone });
  });

  it('finds the interval of the last change', async () => {
    const target = 'change/a' as 'config/greeting';
    const [a, b] = [contentHashes(textBody('a')).strict, contentHashes(textBody('b')).strict];
    const change = () => store.observations.changeInterval(target, '', a);
    expect(await change()).toEqual([null, null]);
    await store.observations.append([held('06:00:00', 'a', { target }), held('06:00:30', 'a', { target })]);
    expect(await change()).toEqual([null, time('06:00:00')]);
    await store.observations.append([
      held('06:01:00', 'b', { target }),
      held('06:01:30', 'b', { target }),
      unanswered('06:02:00', 'unreachable', { target }),
      held('06:02:30', 'a', { target }),
      held('06:03:00', 'a', { target }),
    ]);
    expect(await change()).toEqual([time('06:01:30'), time('06:02:30')]);
    expect(await store.observations.changeInterval(target, '', b)).toEqual([time('06:00:30'), time('06:01:00')]);
    expect(await store.observations.changeInterval(target, 'other part', a)).toEqual([null, null]);
    await store.observations.append([
      unanswered('06:03:30', 'unreachable', { target }),
      unanswered('06:04:00', 'missing', { target }),
      unanswered('06:04:30', 'unreachable', { target }),
      unanswered('06:05:00', 'missing', { target }),
    ]);
    expect(await store.observations.changeInterval(target, '', null)).toEqual([time('06:03:00'), time('06:04:00')]);
  });

  it('records a version once, and tells when its content changes', async () => {
    const one = registered('1', 'Hello', { prompt: 'tampered' });
    const two = registered('2', 'Hello there', { prompt: 'tampered', parent: '1' });
    expect(await store.registry.recordVersions([one, two], time('07:00:00'))).toEqual([]);
    expect(await store.registry.recordVersions([one, two], time('07:01:00'))).toEqual([]);
    const edited = registered('1', 'Hello!', { prompt: 'tampered' });
    // This process has read it since, and only at the first time knows it intact.
    await store.registry.readAgain([], time('07:01:50'), time('07:01:51'));
    const logs = [
      [store.registry, '07:01:50'],
      [fresh().registry, '07:00:00'],
      [store.registry, '07:00:00'],
    ] as const;
    for (const [log, intactAt] of logs) {
      const tampered = await log.recordVersions([edited, two], time('07:02:00'));
      expect(tampered).toEqual([
        {
          prompt: 'tampered',
          version: '1',
          registry: 'files',
          firstSeen: { hash: one.variants[0].hashes.strict, at: time('07:00:00'), text: 'Hello' },
          intactAt: time(intactAt),
          now: { hash: edited.variants[0].hashes.strict, text: 'Hello!', version: edited },
        },
      ]);
    }
    expect(await store.registry.versions('tampered')).toEqual([one, two]);
    expect(await fresh().registry.recordVersions([one, two], time('07:03:00'))).toEqual([]);
  });

  it('takes a change of settings for tampering, and a new owner for what it is', async () => {
    const one = registered('1', 'Hello', { prompt: 'owned' });
    await store.registry.recordVersions([one], time('07:00:00'));
    const owned = { ...one, owner: 'another-team', tags: ['more'] };
    expect(await store.registry.recordVersions([owned], time('07:01:00'))).toEqual([]);
    expect(await store.registry.versions('owned')).toEqual([owned]);
    const [variant] = one.variants;
    const warmer = { ...one, variants: [{ ...variant, settings: { parameters: { temperature: 2 } } }] as const };
    const [tampered] = await store.registry.recordVersions([warmer], time('07:02:00'));
    expect(tampered?.now.text).toContain('"temperature": 2');
    expect(tampered?.firstSeen.text).not.toContain('temperature');
    expect(tampered?.firstSeen.hash).not.toBe(tampered?.now.hash);
    expect(await store.registry.versions('owned')).toEqual([owned]);
    expect((await store.registry.versions()).map(({ prompt }) => prompt)).toContain('owned');
  });

  it('records pins when they change', async () => {
    const pin = (prompt: string, version: string, rule = 'pins-test'): Pin => ({
      environment: 'production',
      prompt,
      version,
      hash: sha256(version),
      rule,
      origin: { file: 'prompts.lock.yaml', line: 3 },
      since: null,
      by: null,
    });
    const rows = async () =>
      await database.query(
        "SELECT prompt, version, removed, previous_seen_at, recorded_at FROM pins WHERE rule LIKE 'pins-test%' ORDER BY recorded_at, prompt",
      );
    await store.registry.recordPins([pin('a', '1'), pin('b', '1')], time('08:00:00'));
    await store.registry.recordPins([pin('a', '1'), pin('b', '1')], time('08:01:00'));
    await store.registry.recordPins(
      [{ ...pin('a', '1'), origin: { file: 'moved', line: 9 } }, pin('b', '1')],
      time('08:02:00'),
    );
    const first = [
      { prompt: 'a', version: '1', removed: 0, previous_seen_at: null, recorded_at: time('08:00:00') },
      { prompt: 'b', version: '1', removed: 0, previous_seen_at: null, recorded_at: time('08:00:00') },
    ];
    expect(await rows()).toEqual(first);
    // Read, and what it was.
    await store.registry.readAgain(['pins-test'], time('08:02:30'), time('08:02:31'));
    await store.registry.recordPins([pin('a', '2')], time('08:03:00'));
    const second = [
      { prompt: 'a', version: '2', removed: 0, previous_seen_at: time('08:02:30'), recorded_at: time('08:03:00') },
      { prompt: 'b', version: '', removed: 1, previous_seen_at: time('08:02:30'), recorded_at: time('08:03:00') },
    ];
    expect(await rows()).toEqual([...first, ...second]);
    // The clock was set back a little: the order stays.
    await fresh().registry.recordPins([pin('a', '3')], time('08:02:10'));
    await fresh().registry.recordPins([pin('a', '3')], time('08:02:20'));
    const third = [
      { prompt: 'a', version: '3', removed: 0, previous_seen_at: null, recorded_at: time('08:03:00.000000001') },
    ];
    expect(await rows()).toEqual([...first, ...second, ...third]);
    // Another rule says nothing about this one; an empty one only when it is named.
    await fresh().registry.recordPins([pin('c', '1', 'pins-test-other')], time('08:04:00'));
    await fresh().registry.recordPins([], time('08:05:00'));
    expect(await rows()).toHaveLength(6);
    await fresh().registry.recordPins([], time('08:06:00'), ['pins-test']);
    expect((await rows()).slice(6)).toEqual([
      { prompt: 'a', version: '', removed: 1, previous_seen_at: null, recorded_at: time('08:06:00') },
    ]);
  });

  it('keeps the newest verdict of each target', async () => {
    const edited = { judgement: judgement({ target: 'verdict/a' }), at: time('09:00:00') };
    const synced = { judgement: judgement({ target: 'verdict/a', verdict: 'in_sync' }), at: time('09:00:30') };
    const part = { judgement: judgement({ target: 'verdict/a', part: 'blue' }), at: time('09:00:00') };
    await store.verdicts.append([edited, part]);
    await store.verdicts.append([synced]);
    await store.verdicts.append([edited]);
    expect(await fresh().verdicts.latest()).toEqual([synced, part]);
    const [row] = await database.query('SELECT uniqExact(target, part, at) AS n FROM verdicts');
    expect(row).toEqual({ n: '3' });
  });

  it('takes the highest revision of an incident for the truth', async () => {
    const opened = incident('i1');
    const acknowledged = incident('i1', { revision: 2, status: 'acknowledged', acknowledgedBy: 'ana' });
    await store.incidents.append(acknowledged, 'acknowledged', 'ana');
    await store.incidents.append(opened, 'opened', 'daemon');
    await store.incidents.append(opened, 'opened', 'daemon');
    expect(await fresh().incidents.get('i1')).toEqual(acknowledged);
    expect(await store.incidents.get('nothing')).toBeNull();
    const then = [store.incidents.atRevision('i1', 1), store.incidents.atRevision('i1', 3)] as const;
    expect(await Promise.all(then)).toEqual([opened, null]);
    const again = incident('i1b', { fingerprint: 'fingerprint-i1', openedAt: time('03:00:00') });
    await store.incidents.append(again, 'opened', 'daemon');
    expect(await store.incidents.newestWithFingerprint('fingerprint-i1')).toEqual(again);
    expect(await store.incidents.newestWithFingerprint('nothing')).toBeNull();
    const at = (id: string, updatedAt: Timestamp, revision: number) => incident(id, { updatedAt, revision });
    await store.incidents.append(at('e1', time('09:00:00'), 2), 'resolved', 'daemon');
    await store.incidents.append(at('e2', time('09:00:01'), 2), 'resolved', 'daemon');
    await store.incidents.append(at('e3', time('09:00:02'), 2), 'resolved', 'daemon');
    await store.incidents.append(at('e3', time('09:00:03'), 3), 'updated', 'daemon');
    expect(await store.incidents.endedSince(time('09:00:00'), 10)).toEqual(['e2', 'e1']);
    expect(await store.incidents.endedSince(time('09:00:01'), 10)).toEqual(['e2']);
    expect(await store.incidents.endedSince(time('08:00:00'), 1)).toEqual(['e2']);
    const history = await database.query(
      "SELECT DISTINCT revision, transition, by FROM incidents WHERE id = 'i1' ORDER BY revision",
    );
    expect(history).toEqual([
      { revision: '1', transition: 'opened', by: 'daemon' },
      { revision: '2', transition: 'acknowledged', by: 'ana' },
    ]);
  });

  it('reads incidents of releases that remembered one content', async () => {
    const now = incident('old');
    const { firstChangedBetween: _first, earlierContents: _earlier, ...then } = now;
    await store.incidents.append(then as typeof now, 'opened', 'daemon');
    expect(await store.incidents.get('old')).toEqual(now);
  });

  it('lists incidents by what they are now', async () => {
    const prompt = 'listed';
    for (let index = 0; index < 9; index++) {
      const openedAt = addMillis(time('10:00:00'), index);
      const severity = index % 4 === 0 ? 'warning' : 'critical';
      await store.incidents.append(incident(`l${index}`, { prompt, openedAt, severity }), 'opened', 'daemon');
      if (index % 3 !== 0) continue;
      const resolved = incident(`l${index}`, { prompt, openedAt, revision: 2, status: 'resolved' });
      await store.incidents.append(resolved, 'resolved', 'daemon');
    }
    const ids = async (filter: object, limit = 100) =>
      (await store.incidents.list({ prompt, ...filter }, { limit })).items.map(({ id }) => id);
    expect(await ids({})).toEqual(['l8', 'l7', 'l6', 'l5', 'l4', 'l3', 'l2', 'l1', 'l0']);
    expect(await ids({ status: 'unresolved' })).toEqual(['l8', 'l7', 'l5', 'l4', 'l2', 'l1']);
    expect(await ids({ status: 'open' })).toEqual(['l8', 'l7', 'l5', 'l4', 'l2', 'l1']);
    expect(await ids({ status: 'resolved' })).toEqual(['l6', 'l3', 'l0']);
    expect(await ids({ status: 'resolved', environment: 'staging' })).toEqual([]);
    expect(await ids({ verdict: 'edited', target: 'config/greeting' }, 2)).toEqual(['l8', 'l7']);
    expect(await ids({ status: 'unresolved', severity: 'warning' })).toEqual(['l8', 'l4']);
    const first = await store.incidents.list({ prompt, status: 'unresolved' }, { limit: 4 });
    const rest = await store.incidents.list({ prompt, status: 'unresolved' }, { limit: 4, cursor: first.nextCursor! });
    expect(rest.items.map(({ id }) => id)).toEqual(['l2', 'l1']);
    expect(rest.nextCursor).toBeNull();
  });

  it('keeps deliveries from before they are sent to the receipt', async () => {
    const pending = (id: string, at: string): Delivery => ({
      id,
      incidentId: 'i1',
      incidentRevision: 1,
      transition: 'opened',
      channel: 'oncall',
      status: 'pending',
      attempts: 0,
      detail: '',
      createdAt: time(at),
      updatedAt: time(at),
    });
    const [one, two, three] = [pending('d1', '11:00:00'), pending('d2', '11:00:01'), pending('d3', '11:00:02')];
    await store.deliveries.append([three, one, two]);
    // The clock was set back between the two: what happened last still counts.
    const delivered: Delivery = {
      ...two,
      status: 'delivered',
      attempts: 1,
      detail: '200',
      updatedAt: time('10:00:00'),
    };
    await store.deliveries.append([delivered]);
    await store.deliveries.append([two]);
    expect(await fresh().deliveries.get('d2')).toEqual(delivered);
    expect(await store.deliveries.get('nothing')).toBeNull();
    expect(await store.deliveries.pending(10)).toEqual([one, three]);
    expect(await store.deliveries.pending(1)).toEqual([one]);
    expect(await store.deliveries.list('i1')).toEqual([one, delivered, three]);
    expect(await store.deliveries.list('i2')).toEqual([]);
  });
});
