/** What the time machine says that applications sent: whatever their number, every call counts. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UsedEntry } from '../../src/contract/store.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis, millisBetween, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { GONE_AFTER_MS } from '../../src/timeline/used.ts';
import { time } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let database: Database;
let store: Store;

beforeAll(async () => {
  database = await openDatabase({ path: tempDirectory() }, '1.0.0', { ...systemClock, now: () => time('22:00:00') });
  await migrate(database, systemClock);
  store = createStore(database, { ...systemClock, now: () => time('22:00:00') });
});
afterAll(async () => await database.close());

interface Call {
  readonly at: Timestamp;
  readonly service: string;
  /** Of a text that is no version: `text …`. */
  readonly content: string;
}

let calls = 0;
async function insert(prompt: string, list: readonly Call[]): Promise<void> {
  const rows = list.map(({ at, service, content }) => {
    const text = { attribution_kind: 'near', prompt_hash: sha256(content) };
    const more = { prompt, service, ...(content.startsWith('text ') && text) };
    return storedCall((calls += 1), at, content.startsWith('text ') ? '' : content, more);
  });
  await database.insert('invocations', rows);
}

const call = (content: string, at: Timestamp, service = 'app'): Call => ({ at, service, content });

const once = (content: string, from: string, minutes: number): Call[] =>
  Array.from({ length: minutes }, (_, minute) => call(content, addMillis(time(from), minute * MINUTE_MS)));

const usedAt = async (prompt: string, at: Timestamp): Promise<readonly UsedEntry[]> =>
  (await store.timeline.at({ prompt, environment: 'production', time: at })).used;

const usedIn = async (prompt: string, from: Timestamp, to: Timestamp): Promise<readonly UsedEntry[]> =>
  (await store.timeline.range({ prompt, environment: 'production', from, to })).used;

const versions = (entries: readonly UsedEntry[]): (string | null)[] => entries.map(({ version }) => version);

test('the newest calls count, however many services there are', async () => {
  const prompt = 'many services';
  const start = addMillis(time('21:00:00'), -30 * DAY_MS);
  const services = Array.from({ length: 26 }, (_, index) => `service-${index}`);
  for (const service of services) {
    const at = (index: number): Timestamp => addMillis(start, (index * 30 * DAY_MS) / 1_000);
    await insert(
      prompt,
      Array.from({ length: 1_000 }, (_, index) => call(index < 900 ? '1' : '2', at(index), service)),
    );
  }
  const used = await usedAt(prompt, time('21:30:00'));
  expect(used.map(({ service, version, invocations }) => `${service} ${version} ${invocations}`).toSorted()).toEqual(
    services.map((service) => `${service} 2 100`).toSorted(),
  );
});

test('a version that was silent was not in use, however many calls there are elsewhere', async () => {
  const prompt = 'silent';
  const during = [...once('2', '10:00:00', 60), ...once('1', '11:00:00', 22), ...once('2', '11:22:00', 98)];
  await insert(prompt, [...during, ...once('2', '2026-11-19T00:00:00Z', 1_200)]);
  expect(await usedAt(prompt, time('11:20:00.5'))).toMatchObject([
    {
      version: '1',
      invocations: 22,
      from: [time('10:59:00'), time('11:00:00')],
      until: [time('11:21:00'), time('11:22:00')],
    },
  ]);
  expect(versions(await usedAt(prompt, time('10:59:30')))).toEqual(['2']);
  expect(versions(await usedAt(prompt, time('11:22:00')))).toEqual(['2']);
});

test('each of many texts that nobody registered is found, and ends the version before it', async () => {
  const prompt = 'many texts';
  const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
  const at = (index: number): Timestamp => addMillis(time('13:00:00'), index * MINUTE_MS);
  await insert(prompt, [...once('2', '12:00:00', 60), ...texts.map((text, index) => call(text, at(index)))]);
  for (const index of [0, 1, 50, 98, 99]) {
    const used = await usedAt(prompt, addMillis(at(index), 1));
    expect(used.map(({ hash }) => hash)).toEqual([sha256(texts[index] ?? '')]);
  }
  const [version] = await usedAt(prompt, time('12:59:30'));
  expect(version).toMatchObject({ version: '2', until: [time('12:59:00'), time('13:00:00')] });
  expect(await usedIn(prompt, time('12:00:00'), time('15:00:00'))).toHaveLength(101);
});

test('contents that are left out are mentioned', async () => {
  const prompt = 'too many texts';
  const at = (index: number): Timestamp => addMillis(time('15:00:00'), index * 1_000);
  const texts = Array.from({ length: 1_200 }, (_, index) => call(`text one of many ${index}`, at(index)));
  await insert(prompt, [...texts, call('1', at(1_200))]);
  const used = await usedIn(prompt, time('15:00:00'), time('16:00:00'));
  expect(used).toHaveLength(1_000);
  expect(versions(used)).toContain('1');
  expect(used[0]?.evidence.map(({ words }) => words)).toContain(
    '1201 contents were in use and 1000 are listed: registered versions first, then by number of calls',
  );
});

test('texts that are too long for one answer are left out of it, and each is there for its time', async () => {
  const prompt = 'long texts';
  const contents = Array.from({ length: 60 }, (_, index) => `text ${index} ${'x'.repeat(400_000)}`);
  await store.texts.put(new Map(contents.map((content) => [sha256(content), content])));
  await insert(prompt, once('1', '06:00:00', 1));
  const at = (index: number): Timestamp => addMillis(time('06:01:00'), index * MINUTE_MS);
  await insert(
    prompt,
    contents.map((content, index) => call(content, at(index))),
  );
  const used = await usedIn(prompt, time('06:00:00'), time('07:30:00'));
  const leftOut = used.filter(({ evidence }) =>
    evidence.some(({ words }) => words.includes('too long for one answer')),
  );
  expect(used).toHaveLength(61);
  expect(leftOut.length).toBeGreaterThan(5);
  expect(used.filter(({ hash, text }) => hash !== null && text === null)).toEqual(leftOut);
  const [alone] = await usedAt(prompt, addMillis(leftOut[0]?.from[1] as Timestamp, 1));
  expect([alone?.hash, sha256(alone?.text ?? '')]).toEqual([leftOut[0]?.hash, leftOut[0]?.hash]);
}, 60_000);

test('of two contents at one time none goes away because of the other', async () => {
  const prompt = 'one time';
  const at = time('17:00:00');
  await insert(prompt, [
    call('1', at),
    call('2', at),
    call('1', time('16:00:00'), 'rolled'),
    call('1', at, 'rolled'),
    call('2', at, 'rolled'),
    call('2', time('18:00:00'), 'rolled'),
  ]);
  const said = async (when: string): Promise<string[]> =>
    (await usedAt(prompt, time(when))).map(({ service, version }) => `${service} ${version}`).toSorted();
  expect(await said('16:59:59.999999999')).toEqual(['rolled 1']);
  expect(await said('17:00:00')).toEqual(['app 1', 'app 2', 'rolled 1', 'rolled 2']);
  expect(await said('17:00:00.000000001')).toEqual(['app 1', 'app 2', 'rolled 1', 'rolled 2']);
  expect(await said('18:00:00')).toEqual(['app 1', 'app 2', 'rolled 2']);
});

test('a rollback is a return, and a pause of everything ends nothing', async () => {
  const prompt = 'returns';
  await insert(prompt, [...once('1', '01:00:00', 60), ...once('2', '02:00:00', 60), ...once('1', '03:00:00', 60)]);
  await insert(prompt, [call('1', time('08:00:00'))]);
  const used = await usedIn(prompt, time('01:00:00'), time('21:00:00'));
  expect(used.map(({ version, invocations }) => [version, invocations])).toEqual([
    ['1', 60],
    ['2', 60],
    ['1', 61],
  ]);
  expect(versions(await usedAt(prompt, time('06:00:00')))).toEqual(['1']);
});

/** The definition, call by call. */
function expected(list: readonly Call[], at: Timestamp): string[] {
  return [...Map.groupBy(list, ({ service }) => service).values()].flatMap((ofService) => {
    const times = ofService.map((each) => each.at).toSorted();
    return [...Map.groupBy(ofService, ({ content }) => content)].flatMap(([content, own]) => {
      const runs: Timestamp[][] = [];
      for (const each of own.map((ownCall) => ownCall.at).toSorted()) {
        const last = runs.at(-1)?.at(-1);
        const isReturn =
          last === undefined ||
          (millisBetween(last, each) > GONE_AFTER_MS && times.some((other) => last < other && other < each));
        if (isReturn) runs.push([each]);
        else runs.at(-1)?.push(each);
      }
      return runs.flatMap((run) => {
        const [first, last] = [run[0] as Timestamp, run.at(-1) as Timestamp];
        const before = times.findLast((other) => other < first) ?? null;
        const after = times.find((other) => other > last) ?? null;
        if (first > at || (after !== null && after <= at)) return [];
        return [JSON.stringify([own[0]?.service, content, run.length, [before, first], [last, after]])];
      });
    });
  });
}

test('is what its definition says of any calls', async () => {
  const some = fc.array(
    fc.record({ minute: fc.nat(60), service: fc.constantFrom('a', 'b'), content: fc.constantFrom('1', '2', 'text') }),
    { maxLength: 24 },
  );
  let prompts = 0;
  const check = fc.asyncProperty(some, fc.array(fc.nat(61), { minLength: 2, maxLength: 2 }), async (list, moments) => {
    const prompt = `any ${(prompts += 1)}`;
    const toTime = (minute: number): Timestamp => addMillis(time('19:00:00'), minute * 2 * MINUTE_MS);
    const made = list.map(({ minute, service, content }) => {
      return call(content === 'text' ? 'text any' : content, toTime(minute), service);
    });
    await insert(prompt, made);
    for (const at of moments.map(toTime)) {
      const said = (await usedAt(prompt, at)).map(({ service, version, hash, invocations, from, until }) => {
        const content = version ?? (hash === sha256('text any') ? 'text any' : null);
        return JSON.stringify([service, content, invocations, from, until]);
      });
      expect(said.toSorted()).toEqual(expected(made, at).toSorted());
    }
  });
  await fc.assert(check, { numRuns: 25 });
}, 60_000);
