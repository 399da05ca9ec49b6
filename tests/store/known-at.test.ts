/** An answer of the time machine is the same whenever its `known_at` is asked again: also of rows that were being written. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { ActiveAt } from '../../src/contract/store.ts';
import { RegistryKeeper } from '../../src/daemon/registry/registry-keeper.ts';
import { RegistryView } from '../../src/daemon/registry/registry-view.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createTelemetryLog } from '../../src/store/telemetry/telemetry-log.ts';
import { textBody } from '../../src/text/body.ts';
import { SILENT_LOG } from '../daemon/setup.ts';
import { chatAttributes, createIngest, eventually, hexId, tracesBody } from '../ingest/harness.ts';
import { hostOf, readings } from '../support/sources/polling-host.ts';
import { registered } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const ENVIRONMENT = 'production';

let database: Database;
let store: Store;
const gate = { table: '', arrived: Promise.withResolvers<void>(), opened: Promise.withResolvers<void>() };

/** The next inserts into that table wait, with the rows already on their way, until they are let through. */
function hold(table: string): { readonly arrived: Promise<void>; readonly open: () => void } {
  Object.assign(gate, { table, arrived: Promise.withResolvers<void>(), opened: Promise.withResolvers<void>() });
  const { arrived, opened } = gate;
  return { arrived: arrived.promise, open: () => opened.resolve() };
}

function held(inner: Database): Database {
  return new Proxy(inner, {
    get: (target, key: keyof Database) => {
      if (key !== 'insertJsonLines') {
        const value: unknown = target[key];
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (table: string, lines: Uint8Array) => {
        if (table === gate.table) {
          gate.arrived.resolve();
          await gate.opened.promise;
        }
        await target.insertJsonLines(table, lines);
      };
    },
  });
}

beforeAll(async () => {
  database = held(await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock));
  await migrate(database, systemClock);
  store = createStore(database, systemClock);
});
afterAll(async () => await database.close());

const ask = (prompt: string, more: Partial<ActiveAt> = {}): Promise<ActiveAt> =>
  store.timeline.at({ prompt, environment: ENVIRONMENT, time: more.time ?? systemClock.now(), knownAt: more.knownAt });

/**
 * What is answered while something is written, whatever `known_at` is asked for, and when it is
 * written; each beside what its citation answers in the end.
 */
async function answers(prompt: string, written: { open: () => void }, isSeen: (answer: ActiveAt) => boolean) {
  const during = await ask(prompt);
  const insisted = await ask(prompt, { time: during.time, knownAt: addMillis(during.time, 60_000) });
  written.open();
  const after = await eventually(() => ask(prompt), isSeen, 10_000);
  const given = [during, insisted, after];
  const cited = await Promise.all(given.map((answer) => ask(prompt, answer)));
  return { given, cited, seen: given.map(isSeen), isOlder: during.knownAt < during.time };
}

const HONEST = { seen: [false, false, true], isOlder: true };

test('of calls', async () => {
  const prompt = 'calls';
  const ingest = createIngest(createTelemetryLog(database), {
    horizon: store.horizon,
    attribute: () => ({ kind: 'exact', prompt, version: '1', owner: null }),
  });
  await ingest.start();
  const send = async (text: string): Promise<void> => {
    const attributes = chatAttributes('Be brief.', [{ role: 'user', text }], 'Yes.');
    await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody([{ attributes }]) });
  };
  const calls = (answer: ActiveAt): number => answer.used.reduce((sum, { invocations }) => sum + invocations, 0);
  await send('one');
  await eventually(
    () => ask(prompt),
    (answer) => calls(answer) === 1,
  );
  const written = hold('invocations');
  await send('two');
  await written.arrived;
  expect(calls(await ask(prompt))).toBe(1);
  const { given, cited, ...rest } = await answers(prompt, written, (answer) => calls(answer) === 2);
  expect(cited).toEqual(given);
  expect(rest).toEqual(HONEST);
  await ingest.stop(5_000);
});

test('of a call whose text comes later, with the span around it', async () => {
  const prompt = 'late text';
  const ingest = createIngest(createTelemetryLog(database), {
    horizon: store.horizon,
    attribute: ({ instruction }) => ({
      kind: instruction === null ? 'declared' : 'exact',
      prompt,
      version: '2',
      owner: null,
    }),
  });
  await ingest.start();
  const trace = { traceId: hexId(16), startMs: Date.now() - 1_000 };
  const [parent, child] = [hexId(8), hexId(8)];
  const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hi.' }], 'Yes.');
  const { 'gen_ai.system_instructions': _, 'gen_ai.input.messages': __, ...withoutText } = attributes;
  const send = async (span: Parameters<typeof tracesBody>[0][number]): Promise<void> =>
    void (await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody([span]) }));
  const known = (answer: ActiveAt): unknown[] =>
    answer.used.map(({ version, invocations, evidence }) => [version, invocations, evidence[0]?.words.split(': ')[1]]);
  await send({ ...trace, spanId: child, parentSpanId: parent, attributes: withoutText });
  const before = await eventually(
    () => ask(prompt),
    ({ used }) => used.length > 0,
    10_000,
  );
  expect(known(before)).toEqual([['2', 1, 'declared']]);
  await send({ ...trace, spanId: parent, attributes });
  const after = await eventually(
    () => ask(prompt),
    ({ used }) => used[0]?.evidence[0]?.words.endsWith('exact') === true,
    10_000,
  );
  expect(known(after)).toEqual([['2', 1, 'exact']]);
  expect(known(await ask(prompt, before))).toEqual([['2', 1, 'exact']]);
  await ingest.stop(5_000);
});

test('of calls with a text that is registered later', async () => {
  const [prompt, text] = ['registered later', 'Be brief, and upsell.'];
  const hash = sha256(text);
  await store.texts.put(new Map([[hash, text]]));
  const at = addMillis(systemClock.now(), -1_000);
  const write = async (revision: number, as: object): Promise<void> =>
    await database.insert('invocations', [
      storedCall(1, at, '', { prompt, declared_prompt: prompt, prompt_hash: hash, revision: String(revision), ...as }),
    ]);
  await write(1, { attribution_kind: 'unknown' });
  const before = await ask(prompt);
  expect(before.used).toMatchObject([{ version: null, hash, text, invocations: 1 }]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await store.registry.recordVersions([registered('2', text, { prompt })], systemClock.now());
  await write(2, { attribution_kind: 'exact', version: '2' });
  expect((await ask(prompt)).used).toMatchObject([{ version: '2', hash, text, invocations: 1 }]);
  expect(await ask(prompt, before)).toEqual(before);
});

test('of what targets held', async () => {
  let text = 'first';
  const source = await hostOf(
    {
      place: {
        read: () => readings({ outcome: 'held', target: 'place/polled', contents: [{ body: textBody(text) }] }),
      },
    },
    { prompts: ['polled'], horizon: store.horizon, record: (batch) => store.observations.append(batch) },
  );
  await source.poll();
  const before = await ask('polled');
  expect(before.held.map((entry) => entry.text)).toEqual(['first']);
  text = 'second';
  const written = hold('observations');
  const polled = source.poll();
  await written.arrived;
  const { given, cited, ...rest } = await answers('polled', written, (answer) => answer.held[0]?.text === 'second');
  expect(cited).toEqual(given);
  expect(rest).toEqual(HONEST);
  await polled;
});

test('of versions and pins', async () => {
  const pin = { rule: 'lockfile', since: null, by: null, origin: { file: 'plumbline.lock' } };
  const keeper = new RegistryKeeper({
    load: () => {
      const versions = [registered('1', 'text', { prompt: 'pinned' })];
      const pins = [{ ...pin, prompt: 'pinned', environment: ENVIRONMENT, version: '1', hash: sha256('text') }];
      const { snapshot } = new RegistryView({ versions, pins });
      return Promise.resolve({ snapshot, problems: [], notes: [], tampered: [], rules: ['lockfile'] });
    },
    store: store.registry,
    horizon: store.horizon,
    log: SILENT_LOG,
    stopping: new AbortController().signal,
    onVersions: () => undefined,
    onChanged: () => Promise.resolve(),
    onTampered: () => Promise.resolve(),
  });
  const written = hold('pins');
  const reloaded = keeper.reload();
  await written.arrived;
  const { given, cited, ...rest } = await answers('pinned', written, (answer) => answer.intended?.version === '1');
  expect(cited).toEqual(given);
  expect(rest).toEqual(HONEST);
  await reloaded;
});

test('a write that fails holds up no later answer', async () => {
  const source = await hostOf(
    { place: { read: () => readings({ outcome: 'missing', target: 'place/failing', reason: 'gone' }) } },
    {
      prompts: ['failing'],
      horizon: store.horizon,
      record: () => Promise.reject(new Fault('transient', 'The store is gone.')),
    },
  );
  await source.poll();
  expect(source.events).toContainEqual(expect.objectContaining({ kind: 'not_recorded' }));
  const now = systemClock.now();
  expect(store.horizon.reached() >= now).toBe(true);
});
