import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pin } from '../../src/contract/prompt.ts';
import type { RestoreRecord } from '../../src/contract/restore-log.ts';
import type { Clock, Timestamp } from '../../src/contract/time.ts';
import { unregisteredVersion } from '../../src/daemon/attribution/attribution-desk.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { chatBody } from '../../src/text/body.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { held, registered, time, unanswered } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.0.0', systemClock),
  server: async () => await openDatabase({ url: (await startClickHouseHttp()).url }, '1.0.0', systemClock),
};

const ONE = 'Classify the request.';
const TWO = 'Classify the request. Be brief.';
const EDITED = 'Classify the request. Be very brief.';

const clock: Clock = { ...systemClock, now: () => time('23:00:00') };

describe.each(['embedded', 'server'] as const)('the time machine, %s', (kind) => {
  let database: Database;
  let store: Store;

  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, clock);
    store = createStore(database, clock);
    const versions = [registered('1', ONE), registered('2', TWO, { parent: '1' })];
    await store.registry.recordVersions(versions, time('00:00:00'));
    await store.registry.recordPins([pin('1', ONE)], time('00:00:00'));
    // Read every few seconds, and of these looks one is kept every half minute.
    await store.registry.readAgain(['lockfile'], time('00:00:00'), time('00:00:01'));
    await store.registry.readAgain(['lockfile'], time('01:59:25'), time('01:59:26'));
    await store.registry.readAgain(['lockfile'], time('01:59:30'), time('01:59:31'));
    await store.registry.recordPins([pin('2', TWO)], time('02:00:00'), [], time('01:59:35'));
    // Every 30 s: v1, then v2 from 02:10:00, then somebody edits by hand at 02:46:50 (as the source says).
    await store.observations.append([
      ...polls('01:00:00', 140, (at) => held(at, ONE)),
      unanswered('02:10:00', 'unreachable'),
      unanswered('02:10:30', 'unreachable'),
      ...polls('02:11:00', 71, (at) => held(at, TWO)),
      held('02:46:30', TWO),
      held('02:47:00', EDITED, { editedAt: time('02:46:50'), editedBy: 'ana@example.com', sourceVersion: '9' }),
      unanswered('02:47:30', 'unreachable'),
      held('02:48:00', EDITED, { editedAt: time('02:46:50'), editedBy: 'ana@example.com', sourceVersion: '9' }),
    ]);
  });
  afterAll(async () => await database.close());

  const ask = (at: string, knownAt?: string) =>
    store.timeline.at({
      prompt: 'greeting',
      environment: 'production',
      time: time(at),
      ...(knownAt !== undefined && { knownAt: time(knownAt) }),
    });

  it('tells the right version before, between and after two edits', async () => {
    const answers: unknown[] = [];
    for (const at of ['00:30:00', '01:30:00', '02:30:00', '02:47:00', '05:00:00']) {
      const { intended, held: targets } = await ask(at);
      answers.push([at, intended?.version, targets.map(({ version, text }) => [version, text])]);
    }
    expect(answers).toEqual([
      ['00:30:00', '1', []],
      ['01:30:00', '1', [['1', ONE]]],
      ['02:30:00', '2', [['2', TWO]]],
      ['02:47:00', '2', [[null, EDITED]]],
      ['05:00:00', '2', [[null, EDITED]]],
    ]);
  });

  it('is honest about when', async () => {
    const [before] = (await ask('02:10:15')).held;
    // Two polls without an answer ended nothing: they only made the interval wider.
    expect(before).toMatchObject({
      state: 'held',
      target: 'config/greeting',
      version: '1',
      from: [null, time('01:00:00')],
      until: [time('02:09:30'), time('02:11:00')],
    });
    expect(before?.evidence.map(({ words }) => words)).toEqual([
      'config held it from 2026-11-20 01:00:00 UTC to 2026-11-20 02:09:30 UTC, in 140 polls',
      '2 polls after 2026-11-20 02:09:30 UTC had no answer',
      'identical to v1',
    ]);
    const [after] = (await ask('02:50:00')).held;
    expect(after).toMatchObject({
      version: null,
      hash: sha256(EDITED),
      from: [time('02:46:50'), time('02:46:50')],
      until: [time('02:48:00'), null],
    });
    expect(after?.evidence.map(({ words }) => words)).toContain(
      'edited by ana@example.com at 2026-11-20 02:46:50 UTC, says config',
    );
    const { intended } = await ask('02:00:00');
    expect(intended).toMatchObject({ version: '2', text: TWO, from: [time('01:59:30'), time('02:00:00')] });
  });

  it('knows until when a pin was seen where it stood, as it was known then', async () => {
    const until = async (knownAt: string) => (await ask('01:00:00', knownAt)).intended?.until;
    expect(await until('01:59:24')).toEqual([time('00:00:00'), null]);
    expect(await until('01:59:25.5')).toEqual([time('00:00:00'), null]);
    expect(await until('01:59:40')).toEqual([time('01:59:25'), null]);
    expect(await until('22:00:00')).toEqual([time('01:59:30'), time('02:00:00')]);
    const { intended } = await ask('01:00:00');
    expect(intended?.evidence.map(({ words }) => words)).toContainEqual(
      expect.stringContaining('lockfile was not read between 2026-11-20 00:00:00 UTC and 2026-11-20 01:59:25 UTC'),
    );
    // Another process knows of the looks what is stored: the pin stood there when the daemon stopped.
    const another = createStore(database, clock);
    const restarted = { ...pin('1', ONE), prompt: 'restarted', rule: 'restarted-lock' };
    await store.registry.recordPins([restarted], time('03:00:00'));
    await store.registry.readAgain(['restarted-lock'], time('03:30:00'), time('03:30:01'));
    await another.registry.recordPins([{ ...restarted, version: '2' }], time('04:00:00'), [], time('03:59:50'));
    await another.registry.readAgain(['restarted-lock'], time('03:59:50'), time('04:00:01'));
    const moved = await store.timeline.at({
      prompt: 'restarted',
      environment: 'production',
      time: time('03:45:00'),
    });
    expect(moved.intended).toMatchObject({ version: '1', until: [time('03:30:00'), time('04:00:00')] });
  });

  it('says who put a text back, as it was known then', async () => {
    const place = { prompt: 'put-back', target: 'config/put-back' as const };
    const polled = [held('03:00:00', 'edited', place), held('03:00:30', ONE, place), held('03:01:00', ONE, place)];
    await store.observations.append(polled);
    const restore: RestoreRecord = {
      id: 'r1',
      ...place,
      environment: 'production',
      begunAt: time('03:00:10'),
      endedAt: null,
      by: 'oncall',
      reason: 'postmortem 7',
      from: null,
      to: { version: '1', hash: sha256(ONE) },
      result: 'begun',
      words: '',
    };
    await store.restores.append(restore);
    const answer = () =>
      store.timeline.at({
        prompt: 'put-back',
        environment: 'production',
        time: time('03:01:00'),
        knownAt: time('04:00:00'),
      });
    const before = await answer();
    expect(before.held[0]?.evidence).toContainEqual({
      kind: 'restore',
      words: 'oncall put v1 back at 2026-11-20 03:00:10 UTC: postmortem 7',
    });
    await store.restores.append({ ...restore, result: 'restored', endedAt: time('03:00:12'), words: 'as read back' });
    expect(await answer()).toEqual(before);
    const { held: all } = await store.timeline.range({
      prompt: 'put-back',
      environment: 'production',
      from: time('03:00:00'),
      to: time('03:01:00'),
    });
    expect(all.map(({ evidence }) => evidence.some(({ kind: each }) => each === 'restore'))).toEqual([false, true]);
  });

  it('knows when a label moved by the polls that saw it', async () => {
    const label = { prompt: 'labelled', target: 'langfuse/labelled' as const, source: 'langfuse' };
    const poll = (at: string, version: string) =>
      held(at, version, { ...label, sourceVersion: version, pointer: { name: 'production', value: version } });
    await store.observations.append([
      poll('03:00:00', '1'),
      poll('03:00:30', '1'),
      // Nobody knew that version yet: it is a pin as soon as the registry was read.
      poll('03:01:00', '2'),
      poll('03:01:30', '2'),
      poll('03:02:00', '2'),
    ]);
    const rule = 'label:production@langfuse';
    const named = (version: string) => ({ ...pin(version, version), prompt: 'labelled', rule });
    await store.registry.recordPins([named('1')], time('03:00:02'));
    // Another prompt's pin moved: of this one nobody looked.
    await store.registry.recordPins([named('1'), { ...named('1'), prompt: 'other' }], time('03:00:50'));
    await store.registry.recordPins([named('2'), { ...named('1'), prompt: 'other' }], time('03:01:40'));
    const of = async (at: string) =>
      (await store.timeline.at({ prompt: 'labelled', environment: 'production', time: time(at) })).intended;
    expect(await of('03:00:45')).toMatchObject({ version: '1', until: [time('03:00:30'), time('03:01:40')] });
    expect(await of('03:01:40')).toMatchObject({ version: '2', until: [time('03:02:00'), null] });
  });

  it('answers with what was known then', async () => {
    const unaware = await ask('02:46:55', '02:46:59');
    expect(unaware.held[0]).toMatchObject({ version: '2', until: [time('02:46:30'), null] });
    const aware = await ask('02:46:55');
    expect(aware.held[0]).toMatchObject({ version: null, text: EDITED });
    expect((await ask('02:30:00', '01:30:00')).intended?.version).toBe('1');
    expect((await ask('02:30:00', '00:10:00')).held).toEqual([]);
  });

  it('gives a range as the entries that overlap it', async () => {
    const range = await store.timeline.range({
      prompt: 'greeting',
      environment: 'production',
      from: time('02:20:00'),
      to: time('02:46:40'),
    });
    expect(range.held.map(({ version }) => version)).toEqual(['2']);
    expect(range.intended.map(({ version }) => version)).toEqual(['2']);
    const all = await store.timeline.range({
      prompt: 'greeting',
      environment: 'production',
      from: time('00:00:00'),
      to: time('22:00:00'),
    });
    expect(all.held.map(({ version }) => version)).toEqual(['1', '2', null]);
    expect(all.intended.map(({ version }) => version)).toEqual(['1', '2']);
    expect(all.held.map(({ from }) => from[1]).slice(1)).toEqual(all.held.map(({ until }) => until[1]).slice(0, -1));
  });

  it('keeps targets, parts and environments apart, and knows what was missing', async () => {
    const more = { prompt: 'split' };
    const chat = chatBody([{ role: 'system', content: 'Hi.' }]);
    await store.observations.append([
      held('03:00:00', 'a', { ...more, target: 'flags/split', part: 'blue' }),
      held('03:00:00', chat, { ...more, target: 'flags/split', part: 'green' }),
      held('03:00:00', 'c', { ...more, target: 'other/split' }),
      held('03:00:00', 'd', { ...more, target: 'staging/split', environment: 'staging' }),
      { ...unanswered('03:01:00', 'missing'), prompt: 'split', target: 'other/split' },
    ]);
    const at = async (when: string, target?: string) => {
      const query = { prompt: 'split', environment: 'production', time: time(when), target };
      return (await store.timeline.at(query)).held.map((entry) => [entry.target, entry.part, entry.state, entry.text]);
    };
    expect(await at('03:00:30')).toEqual([
      ['flags/split', 'blue', 'held', 'a'],
      ['flags/split', 'green', 'held', '[system]\nHi.'],
      ['other/split', '', 'held', 'c'],
    ]);
    expect(await at('03:02:00', 'other/split')).toEqual([['other/split', '', 'missing', null]]);
    expect(await at('02:59:00')).toEqual([]);
  });

  it('tells what traffic carried, also while two versions were served', async () => {
    const calls = [
      ...polls('02:00:00', 20, (at, index) => storedCall(index, at, '1')),
      ...polls('02:12:00', 10, (at, index) => storedCall(100 + index, at, index % 2 === 0 ? '1' : '2')),
      ...polls('02:20:00', 10, (at, index) => storedCall(200 + index, at, '2')),
      storedCall(300, time('02:47:10'), '', { attribution_kind: 'near', prompt_hash: sha256(EDITED) }),
      // Attributed late, deleted, and of another environment.
      storedCall(400, time('02:47:20'), '1', { revision: '1' }),
      storedCall(400, time('02:47:20'), '1', { revision: '2', is_deleted: 1 }),
      storedCall(500, time('02:47:20'), '1', { environment: 'staging' }),
      storedCall(600, time('02:47:20'), '1', { revision: '1' }),
      storedCall(600, time('02:47:20'), '1', { revision: '2', prompt: 'another' }),
    ];
    await database.insert('invocations', calls);
    const used = async (at: string, knownAt?: string) =>
      (await ask(at, knownAt)).used.map(({ version, text, invocations }) => [version, text, invocations]);
    expect(await used('02:05:00')).toEqual([['1', ONE, 25]]);
    expect(await used('02:15:00')).toEqual([
      ['1', ONE, 25],
      ['2', TWO, 15],
    ]);
    expect(await used('02:22:00')).toEqual([['2', TWO, 15]]);
    expect(await used('02:50:00')).toEqual([[null, EDITED, 1]]);
    expect(await used('02:50:00', '02:47:00')).toEqual([['2', TWO, 15]]);
    expect(await used('01:00:00')).toEqual([]);
    const [entry] = (await ask('02:50:00')).used;
    expect(entry).toMatchObject({
      service: 'app',
      hash: sha256(EDITED),
      from: [time('02:24:30'), time('02:47:10')],
      until: [time('02:47:10'), null],
    });
  });

  it('mentions calls that carried a content before polls saw it, and claims nothing from them', async () => {
    const prompt = 'early';
    await store.registry.recordVersions(
      [registered('1', ONE, { prompt }), registered('2', TWO, { prompt })],
      time('00:00:00'),
    );
    const more = { prompt, target: 'config/early' };
    await store.observations.append([held('06:00:00', ONE, more), held('06:10:00', TWO, more)]);
    await database.insert('invocations', [storedCall(700, time('06:04:00'), '2', { prompt })]);
    const [entry] = (await store.timeline.at({ prompt, environment: 'production', time: time('06:20:00') })).held;
    expect(entry?.from).toEqual([time('06:00:00'), time('06:10:00')]);
    expect(entry?.evidence.map(({ words }) => words)).toContain(
      'app called with it at 2026-11-20 06:04:00 UTC already',
    );
  });

  it('knows what calls carried that are counted under a text which polls saw and nobody registered', async () => {
    const prompt = 'drifted';
    const chat = chatBody([{ role: 'system', content: EDITED }]);
    const observation = held('06:00:00', chat, { prompt, target: 'config/drifted' });
    await store.registry.recordVersions([registered('1', ONE, { prompt })], time('00:00:00'));
    await store.observations.append([held('05:00:00', ONE, { prompt, target: 'config/drifted' }), observation]);
    const version = unregisteredVersion(observation.hashes.strict);
    await database.insert('invocations', [storedCall(800, time('05:30:00'), version, { prompt })]);
    const answer = await store.timeline.at({ prompt, environment: 'production', time: time('06:20:00') });
    const content = { hash: observation.hashes.strict, text: `[system]\n${EDITED}` };
    expect(answer.used).toMatchObject([{ version, ...content }]);
    expect(answer.held).toMatchObject([{ version: null, ...content }]);
    expect(answer.held[0]?.evidence.map(({ words }) => words)).toContain(
      'app called with it at 2026-11-20 05:30:00 UTC already',
    );
  });

  it('says when something else may have been there between two polls that saw the same', async () => {
    const more = { prompt: 'unseen', target: 'config/unseen' };
    const edited = { ...more, editedAt: time('07:05:20') };
    await store.observations.append([
      ...polls('07:00:00', 10, (at) => held(at, ONE, { ...more, editedAt: time('05:00:00') })),
      ...polls('07:05:30', 10, (at) => held(at, ONE, edited)),
    ]);
    const heldNow = async () =>
      (await store.timeline.at({ prompt: 'unseen', environment: 'production', time: time('07:11:00') })).held[0];
    const entry = await heldNow();
    expect(entry?.from).toEqual([null, time('07:00:00')]);
    expect(entry?.evidence.map(({ words }) => words)).toEqual([
      'config held it from 2026-11-20 07:00:00 UTC to 2026-11-20 07:10:00 UTC, in 20 polls',
      'edited at 2026-11-20 05:00:00 UTC, says config, before anybody looked',
      'edited at 2026-11-20 07:05:20 UTC, says config, between 2026-11-20 07:04:30 UTC and 2026-11-20 07:05:30 UTC: what was there in between is not known',
      'equal to no registered version',
    ]);
    await store.observations.append(polls('07:20:00', 5, (at) => held(at, ONE, edited)));
    const longer = await heldNow();
    expect(longer?.evidence.map(({ words }) => words)).toContain(
      'no poll for 10m between 2026-11-20 07:10:00 UTC and 2026-11-20 07:20:00 UTC, otherwise every 30s: what was there in between is not known',
    );
  });

  it('says of the moment that is asked about that nobody looked then, whatever pauses there were besides', async () => {
    const more = { prompt: 'paused', target: 'config/paused' };
    const edited = (at: string) => ({ ...more, editedAt: time(at) });
    await store.observations.append([
      ...polls('07:00:00', 10, (at) => held(at, ONE, edited('06:00:00'))),
      ...polls('07:10:00', 10, (at) => ({ ...unanswered(at, 'unreachable'), ...more })),
      ...polls('07:20:00', 10, (at) => held(at, ONE, edited('07:15:00'))),
      ...polls('07:50:00', 10, (at) => held(at, ONE, edited('07:40:00'))),
    ]);
    const words = async (at: string) => {
      const {
        held: [entry],
      } = await store.timeline.at({ prompt: 'paused', environment: 'production', time: time(at) });
      return entry?.evidence.filter(({ words: said }) => said.includes('not known')).map(({ words: said }) => said);
    };
    const night = 'no poll for 25m 30s between 2026-11-20 07:24:30 UTC and 2026-11-20 07:50:00 UTC';
    const outage =
      'no answer for 15m 30s between 2026-11-20 07:04:30 UTC and 2026-11-20 07:20:00 UTC (10 polls failed)';
    expect(await words('07:12:00')).toEqual([
      expect.stringMatching(/^edited at 2026-11-20 07:15:00 UTC.* \(one of 2 such edits\)/),
      expect.stringContaining(outage),
      expect.stringContaining(night),
    ]);
    expect(await words('07:21:10')).toEqual([expect.stringContaining('the last of 2'), expect.stringContaining(night)]);
    expect(await words('07:30:00')).toEqual(await words('07:21:10'));
    expect((await words('22:00:00'))?.[1]).toBe(
      'no poll for 14h 5m before the time that is asked about, otherwise every 30s: what was there since 2026-11-20 07:54:30 UTC is not known',
    );
  });

  it('says what part of the traffic each content got then', async () => {
    const of = (part: string, share: number) => ({ prompt: 'weighed', target: 'flags/weighed', part, share });
    await store.observations.append([
      ...polls('07:00:00', 4, (at) => held(at, ONE, of('control', 0.9))),
      ...polls('07:00:00', 4, (at) => held(at, TWO, of('canary', 0.1))),
      ...polls('07:02:00', 4, (at) => held(at, ONE, of('control', 0))),
      ...polls('07:02:00', 4, (at) => held(at, TWO, of('canary', 1))),
    ]);
    const shares = async (at: string) => {
      const answer = await store.timeline.at({ prompt: 'weighed', environment: 'production', time: time(at) });
      return answer.held.map(({ part, evidence }) => [part, evidence.find((each) => each.kind === 'split')?.words]);
    };
    expect(await shares('07:01:50')).toEqual([
      ['canary', 'got 10 % of the traffic at 2026-11-20 07:01:30 UTC, says config'],
      ['control', 'got 90 % of the traffic at 2026-11-20 07:01:30 UTC, says config'],
    ]);
    expect(await shares('07:03:00')).toEqual([
      ['canary', 'got 100 % of the traffic at 2026-11-20 07:03:00 UTC, says config'],
      ['control', 'got none of the traffic at 2026-11-20 07:03:00 UTC, says config'],
    ]);
  });

  it('stays exact when calls are many', async () => {
    const rows = Array.from({ length: 6_000 }, (_, index) =>
      storedCall(10_000 + index, addMillis(time('12:00:00'), index * 600), index < 3_000 ? '1' : '2', {
        prompt: 'busy',
      }),
    );
    await database.insert('invocations', rows);
    const { used } = await store.timeline.at({ prompt: 'busy', environment: 'production', time: time('12:40:00') });
    const first = addMillis(time('12:00:00'), 3_000 * 600);
    expect(used).toMatchObject([
      { version: '2', invocations: 3_000, until: [addMillis(time('12:00:00'), 5_999 * 600), null] },
    ]);
    expect(used[0]?.from).toEqual([addMillis(first, -600), first]);
  });
});

function pin(version: string, text: string): Pin {
  return {
    environment: 'production',
    prompt: 'greeting',
    version,
    hash: sha256(text),
    rule: 'lockfile',
    origin: { file: 'prompts.lock.yaml', line: 3 },
    since: null,
    by: null,
  };
}

function polls<Item>(start: string, count: number, make: (at: Timestamp, index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(addMillis(time(start), index * 30_000), index));
}
