/** What of the content reaches the disk, and how often. */

import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogs } from '../../src/dialects/read.ts';
import { decodeLogs } from '../../src/otlp/decode.ts';
import { contentPolicies, DEFAULT_REDACTION_RULES, policyFor, redact } from '../../src/ingest/content/policy.ts';
import { STORED_AGAIN_MS } from '../../src/ingest/content/outbox.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import {
  chatAttributes,
  createIngest,
  eventually,
  hexId,
  logsBody,
  openStore,
  tracesBody,
  type OpenStore,
} from './harness.ts';
import { keptBytes } from './kept-bytes.ts';

type Options = NonNullable<Parameters<typeof createIngest>[1]>;

interface Run {
  readonly store: OpenStore;
  readonly send: (...spans: Parameters<typeof tracesBody>[0]) => Promise<void>;
  readonly sendLogs: (...logs: Parameters<typeof logsBody>[0]) => Promise<void>;
  readonly onDisk: () => Promise<Buffer>;
}

async function withIngest(options: Options, work: (run: Run) => Promise<void>): Promise<void> {
  const directory = tempDirectory();
  const store = await openStore(join(directory, 'store'));
  const ingest = createIngest(store.telemetry, { dataDirectory: directory, ...options });
  await ingest.start();
  const send: Run['send'] = async (...spans) => {
    const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
    expect(answer.outcome).toBe('durable');
  };
  const sendLogs: Run['sendLogs'] = async (...logs) => {
    const answer = await ingest.accept({ signal: 'logs', encoding: 'json', body: logsBody(logs) });
    expect(answer.outcome).toBe('durable');
  };
  try {
    await work({
      store,
      send,
      sendLogs,
      onDisk: () => keptBytes(directory, store),
    });
  } finally {
    await ingest.stop(5_000);
    await store.database.close();
  }
}

const one = (run: Run, traceId: string) =>
  eventually(
    () => run.store.invocations.list({ traceId }, { limit: 10 }),
    ({ items }) => items.length > 0,
  );

function turnsOf(name: string, count: number, long: (name: string) => string): { role: string; text: string }[] {
  return Array.from({ length: count }, (_, turn) => [
    { role: 'assistant', text: long(`${name} answer ${turn}`) },
    { role: 'user', text: turn % 2 === 0 ? `${name} short ${turn}` : long(`${name} question ${turn}`) },
  ]).flat();
}

/** Where requests are read. */
const PLACES = [
  ['here', false],
  ['in a thread of its own', true],
] as const;

describe('content', () => {
  it.each(PLACES)(
    'that must only be hashed never reaches the disk, not even in the spool, read %s',
    async (_, hasDraftingThread) => {
      const secret = `the secret ${hexId(20)}`;
      const texts: (string | undefined)[] = [];
      const attribute: Options['attribute'] = (call) => {
        texts.push(call.instruction?.text);
        return { kind: 'exact', prompt: 'p', version: '1', owner: null };
      };
      const policies = contentPolicies({ default: 'full', environments: { production: 'hash_only' }, redact: [] });
      await withIngest({ hasDraftingThread, policies, attribute }, async (run) => {
        const traceId = hexId(16);
        const attributes = chatAttributes(secret, [{ role: 'user', text: `${secret}?` }], `${secret}!`, {
          'user.id': `${secret}@example.com`,
          'error.type': 'boom',
        });
        await run.send({ traceId, attributes });
        const { items } = await one(run, traceId);
        expect((await run.onDisk()).includes(secret)).toBe(false);
        expect(JSON.stringify(items[0]?.invocation.input)).toMatch(/not kept: sha256:[0-9a-f]{64}/);
        expect(items[0]?.invocation.tokens.input).toBe(42);
        // It was in memory long enough to be attributed.
        expect(texts).toEqual([secret]);
      });
    },
  );

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'of an environment that is called %s is treated as the default says',
    (environment) => {
      expect(policyFor(contentPolicies('hash_only'), environment).mode).toBe('hash_only');
    },
  );

  it.each(PLACES)(
    'is redacted by the environment’s rules before it is spooled, read %s',
    async (_, hasDraftingThread) => {
      const mail = `jane.${hexId(6)}@example.com`;
      const card = '4111 1111 1111 1111';
      const own = `ACME-${hexId(6)}`;
      const policies = contentPolicies({
        default: 'redacted',
        environments: { staging: 'full' },
        redact: [{ name: 'acme', pattern: 'ACME-[0-9a-f]+', replacement: '[customer]' }],
      });
      await withIngest({ hasDraftingThread, policies }, async (run) => {
        const [production, staging] = [hexId(16), hexId(16)];
        const text = `I am ${mail}, number ${own}, and pay with ${card}. ${'And so on. '.repeat(20)}`;
        const attributes = chatAttributes('Be kind.', [{ role: 'user', text }], `Hello ${mail}`);
        await run.send({ traceId: production, attributes });
        const { items } = await one(run, production);
        const user = items[0]?.invocation.input?.[1];
        const redacted = `I am [redacted:email], number [customer], and pay with [redacted:card]. ${'And so on. '.repeat(20)}`;
        expect(user?.parts).toEqual([{ type: 'text', text: redacted }]);
        const onDisk = await run.onDisk();
        for (const secret of [mail, card, own]) expect(onDisk.includes(secret)).toBe(false);
        expect(onDisk.includes('[redacted:email]')).toBe(true);
        await run.send({ traceId: staging, environment: 'staging', attributes });
        const kept = await one(run, staging);
        expect(JSON.stringify(kept.items[0]?.invocation.input)).toContain(mail);
      });
    },
  );

  it.each(['redacted', 'hash_only'] as const)(
    'of a log record that is %s can not be guessed by its id',
    async (mode) => {
      await withIngest({ policies: contentPolicies(mode) }, async (run) => {
        const traceId = hexId(16);
        const spanId = hexId(8);
        const timeMs = Date.now();
        const message = (name: string) => ({
          traceId,
          spanId,
          timeMs,
          eventName: 'gen_ai.user.message',
          body: { content: `write to ${name}@example.com` },
        });
        const logs = [message('jane'), message('joe'), message('joe')];
        // What whoever has the disk could compute for each guess.
        const decoded = decodeLogs(logsBody(logs), 'json');
        const guesses = decoded.outcome === 'decoded' ? readLogs(decoded).map(({ recordId }) => recordId) : [];
        await run.sendLogs(...logs);
        await run.sendLogs(...logs);
        await run.send({ traceId, spanId, startMs: timeMs - 10, attributes: { 'gen_ai.operation.name': 'chat' } });
        const { items } = await one(run, traceId);
        // Two that differ only in what was left out are two, as are equal ones; and what was sent twice is there once.
        const shown = mode === 'redacted' ? 'write to [redacted:email]' : '[not kept: sha256:';
        const parts = [{ type: 'text', text: expect.stringContaining(shown) }];
        expect(items[0]?.invocation.input).toEqual(logs.map(() => ({ role: 'user', parts })));
        const onDisk = await run.onDisk();
        expect(guesses.filter((guess) => onDisk.includes(guess))).toEqual([]);
        expect(new Set(guesses).size).toBe(3);
      });
    },
  );

  it.each(PLACES)(
    'of a conversation of 50 turns is stored once, and every turn reads in full, read %s',
    async (_, hasDraftingThread) => {
      await withIngest({ hasDraftingThread }, async (run) => {
        const system = `You are patient. ${'Answer step by step. '.repeat(20)}`;
        const said: { role: string; text: string }[] = [];
        const traces: string[] = [];
        for (let turn = 0; turn < 50; turn += 1) {
          const filler = 'more words '.repeat(turn % 3 === 0 ? 40 : 2);
          said.push({ role: 'user', text: `question ${turn} ${filler}` });
          const traceId = hexId(16);
          traces.push(traceId);
          await run.send({ traceId, attributes: chatAttributes(system, said, `answer ${turn} ${filler}`) });
          said.push({ role: 'assistant', text: `answer ${turn} ${filler}` });
        }
        const last = await one(run, traces[49] as string);
        expect(last.items[0]?.invocation.input).toHaveLength(1 + 99);
        const middle = await one(run, traces[24] as string);
        expect(middle.items[0]?.invocation.input?.slice(1)).toEqual(
          said.slice(0, 49).map(({ role, text }) => ({ role, parts: [{ type: 'text', text }] })),
        );
        const [texts] = await run.store.database.query<{ rows: string; distinct: string }>(
          'SELECT count() AS rows, uniqExact(hash) AS distinct FROM call_texts',
        );
        // The system prompt, and the long third of the questions and answers.
        expect(texts).toEqual({ rows: String(1 + 34), distinct: String(1 + 34) });
        const [lists] = await run.store.database.query<{ messages: string }>(
          'SELECT sum(length(messages)) AS messages FROM call_lists',
        );
        // Two for each turn; naively it would be 2,500.
        expect(Number(lists?.messages)).toBe(99);
      });
    },
  );

  it('that goes on is stored again when the store may soon let go of it', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => addMillis(systemClock.now(), aheadMs) };
    await withIngest(
      { clock, horizon: new KnowledgeHorizon(clock) },
      async ({ store: { database, ...store }, send }) => {
        const system = `You are patient. ${'Answer step by step. '.repeat(20)}`;
        const said = turnsOf('a', 8, (name) => `${name} ${'says the same again and again '.repeat(12)}`);
        const turn = async (messages: number) => {
          const traceId = hexId(16);
          await send({ traceId, attributes: chatAttributes(system, said.slice(0, messages), 'Well.') });
          const { items } = await one({ store: { database, ...store } } as Run, traceId);
          return items[0]?.invocation.input?.slice(1).map(({ parts: [part] }) => part?.type === 'text' && part.text);
        };
        for (const messages of [5, 7, 9]) await turn(messages);
        for (const table of ['call_texts', 'call_lists']) {
          // As if all that was long ago.
          const [newest] = await database.query<{ id: string }>(`SELECT DISTINCT _partition_id AS id FROM ${table}`);
          await database.command(
            `INSERT INTO ${table} SELECT * REPLACE (toDateTime('2026-01-10 00:00:00', 'UTC') AS stored_at) FROM ${table}`,
          );
          await database.command(`ALTER TABLE ${table} DROP PARTITION ID '${newest?.id}'`);
        }
        aheadMs = STORED_AGAIN_MS;
        const texts = said.map(({ text }) => text);
        expect(await turn(11)).toEqual(texts.slice(0, 11));
        for (const table of ['call_texts', 'call_lists']) {
          await database.command(`ALTER TABLE ${table} DROP PARTITION ID '202601'`);
        }
        expect(await turn(13)).toEqual(texts.slice(0, 13));
        const [lists] = await database.query<{ messages: string }>(
          'SELECT sum(length(messages)) AS messages FROM call_lists',
        );
        // Whole once, and then what it adds.
        expect(Number(lists?.messages)).toBe(13);
      },
    );
  });

  it.each(PLACES)(
    'of a long history is read in full, where the beginning was known and where it was not, read %s',
    async (_, hasDraftingThread) => {
      await withIngest({ hasDraftingThread }, async (run) => {
        const long = (name: string): string => `${name} ${'says the same again and again '.repeat(12)}`;
        const opening = [
          { role: 'system', text: long('system') },
          { role: 'developer', text: 'short' },
          { role: 'user', text: long('opening') },
        ];
        // Two conversations that begin alike and part, and one that takes a message back.
        const branches = ['a', 'b'].map((branch) => [...opening, ...turnsOf(branch, 8, long)]);
        const sent = branches.flatMap((said) =>
          Array.from({ length: 8 }, (_each, turn) => said.slice(0, 3 + 2 * turn)),
        );
        const edited = [...opening, { role: 'user', text: 'edited' }, ...turnsOf('a', 3, long).slice(1)];
        const conversations = [...sent, edited, ...sent.slice(4, 6)];
        const traces: string[] = [];
        for (const said of conversations) {
          const traceId = hexId(16);
          traces.push(traceId);
          const { 'gen_ai.system_instructions': _system, ...attributes } = chatAttributes('', said, 'ok');
          await run.send({ traceId, attributes });
        }
        for (const [index, said] of conversations.entries()) {
          const { items } = await one(run, traces[index] as string);
          const expected = said.map(({ role, text }) => ({ role, parts: [{ type: 'text', text }] }));
          expect(items[0]?.invocation.input).toEqual(expected);
        }
      });
    },
  );

  it.each(PLACES)(
    'of a history is kept although the request that first brought it was refused, read %s',
    async (_, hasDraftingThread) => {
      const store = await openStore();
      const dataDirectory = tempDirectory();
      const ingest = createIngest(store.telemetry, { dataDirectory, hasDraftingThread });
      await ingest.start();
      const said = turnsOf('a', 4, (name) => `${name} ${'says the same again and again '.repeat(12)}`);
      const conversation = { 'gen_ai.conversation.id': hexId(8) };
      const send = (traceId: string, turns: number): ReturnType<typeof ingest.accept> => {
        const attributes = chatAttributes('Answer.', said.slice(0, turns), 'ok', conversation);
        return ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody([{ traceId, attributes }]) });
      };
      // A file where the spool's first must be made fails it the way a disk does.
      const inTheWay = join(dataDirectory, 'spool', '000000000001.spool');
      writeFileSync(inTheWay, '');
      expect(await send(hexId(16), 6)).toMatchObject({ outcome: 'overloaded' });
      unlinkSync(inTheWay);
      const traceId = hexId(16);
      expect(await send(traceId, 8)).toMatchObject({ outcome: 'durable' });
      const [call] = await eventually(
        async () => (await store.invocations.list({ traceId }, { limit: 1 })).items,
        (items) => items.length > 0,
      );
      const read = call?.invocation.input?.slice(1).map(({ parts }) => parts);
      expect(read).toEqual(said.map(({ text }) => [{ type: 'text', text }]));
      await ingest.stop(5_000);
      await store.database.close();
    },
  );

  it('that is too long is cut with a mark, and keeps the hash of the whole', async () => {
    const texts = { textCharactersMax: 1_000, rememberedCharactersMax: 100_000 };
    await withIngest({ limits: { texts } }, async (run) => {
      const traceId = hexId(16);
      const long = 'x'.repeat(999) + '😀'.repeat(500);
      await run.send({ traceId, attributes: chatAttributes('s', [{ role: 'user', text: long }], 'y') });
      const { items } = await one(run, traceId);
      const part = items[0]?.invocation.input?.[1]?.parts[0];
      expect(part?.type === 'text' && part.text).toMatch(
        /^x{999}\n\[cut: 1999 characters in all, sha256:[0-9a-f]{64}\]$/,
      );
    });
  });

  it('is not in names, which are cut when they are as long, and stay apart', async () => {
    await withIngest({}, async (run) => {
      const [traceId, long] = [hexId(16), 'x'.repeat(100_000)];
      const names = {
        'gen_ai.request.model': `${long}1`,
        'gen_ai.response.model': `${long}2`,
        'gen_ai.response.id': `${long}3`,
        'gen_ai.conversation.id': `${long}4`,
        'error.type': `${long}5`,
      };
      const attributes = { ...chatAttributes('s', [{ role: 'user', text: 'x' }], 'y'), ...names };
      await run.send({ traceId, service: `${long}6`, instance: `${long}7`, environment: `${long}8`, attributes });
      const { items } = await one(run, traceId);
      const call = items[0]?.invocation;
      const known = [
        call?.requestModel,
        call?.responseModel,
        call?.responseId,
        call?.conversationId,
        call?.error?.type,
      ];
      const cut = [...known, call?.service, call?.instance, call?.environment, call?.settings.model];
      for (const name of cut) expect(name).toMatch(/^x{1000} \[cut: [0-9a-f]{16}\]$/);
      // The model is named twice.
      expect(new Set(cut).size).toBe(cut.length - 1);
    });
  });

  it('that was cut in the middle of a surrogate pair is stored, with a mark for the half', async () => {
    await withIngest({}, async (run) => {
      const traceId = hexId(16);
      const long = `${'x'.repeat(200)}\ud83d`;
      const attributes = chatAttributes('s', [{ role: 'user', text: long }], 'y\ud83d', { 'user.id': 'u\ud83d' });
      await run.send({ traceId, attributes });
      const { items } = await one(run, traceId);
      expect(items[0]?.invocation.input?.[1]?.parts).toEqual([{ type: 'text', text: `${'x'.repeat(200)}\ufffd` }]);
      expect(await run.store.telemetry.quarantined('any', 10)).toEqual([]);
    });
  });

  it('comes back as it was sent, whatever it is', async () => {
    await withIngest({}, async (run) => {
      const text = fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }).map((value) => value.toWellFormed()),
        fc.constantFrom(' ', '\u0001', '\u0001tsha256:00', '\u0001l', '\n', '"', '\\', 'null', '{"list":1}'),
      );
      const message = fc.record({ role: fc.constantFrom('user', 'assistant', 'tool'), text });
      const conversations = fc.sample(fc.array(message, { minLength: 1, maxLength: 12 }), { numRuns: 60, seed: 5 });
      const traces = conversations.map(() => hexId(16));
      for (const [index, said] of conversations.entries()) {
        await run.send({ traceId: traces[index] as string, attributes: chatAttributes('System.', said, 'ok') });
      }
      for (const [index, said] of conversations.entries()) {
        const { items } = await one(run, traces[index] as string);
        const seen = items[0]?.invocation.input?.slice(1) ?? [];
        const expected = said.map(({ role, text: content }) => ({ role, text: content }));
        expect(
          seen.map(({ role, parts }) => ({
            role,
            text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
          })),
        ).toEqual(expected);
      }
    });
  });
});

describe('the default redaction rules', () => {
  it.each([
    ['write to a.b+c@mail.example.org now', 'write to [redacted:email] now'],
    ['key sk-proj-abcdefghijklmnopqrstuvwx', 'key [redacted:api-key]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted:aws-key]'],
    ['card 4111-1111-1111-1111 ok', 'card [redacted:card] ok'],
    ['order 1234 5678 9012 3456 stays', 'order 1234 5678 9012 3456 stays'],
    ['call +49 30 901820 today', 'call [redacted:phone] today'],
    ['DE89 3704 0044 0532 0130 00', '[redacted:iban]'],
    [
      'You are a support agent. {{name}} v1.2.3 2026-11-20T02:47:00Z',
      'You are a support agent. {{name}} v1.2.3 2026-11-20T02:47:00Z',
    ],
  ])('%s', (text, expected) => {
    expect(redact(text, DEFAULT_REDACTION_RULES)).toBe(expected);
  });
});
