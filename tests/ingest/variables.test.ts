/** What filled the variables of calls is stored once for each distinct text, as the content policy allows, and counted. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import type { VariableSummary } from '../../src/contract/variable-log.ts';
import { createAttributor } from '../../src/attribution/index.ts';
import { callAttribution } from '../../src/daemon/attribution/call-attribution.ts';
import { contentPolicies } from '../../src/ingest/content/policy.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { createVariableLog } from '../../src/store/telemetry/variable-log.ts';
import { version } from '../attribution/fixtures.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody, type OpenStore } from './harness.ts';

const ANSWERS =
  'You answer what customers of {{ company }} ask.\nThe question: {{ question }}\nOf {{ company }}, politely.';
const CHAT = version('chat', 1, [
  ['system', 'You translate what people write, and you never explain it.'],
  ['user', 'Into {{ language }}, as {{ tone }} as it can be:\n{{ text }}'],
]);
const VERSIONS: readonly RegisteredVersion[] = [
  version('answers', 1, ANSWERS),
  version('answers', 2, `${ANSWERS} Be brief.`),
  CHAT,
];

let opened: OpenStore;
let ingest: Ingest;
beforeAll(async () => {
  opened = await openStore();
  const attributor = createAttributor();
  attributor.addAll(VERSIONS);
  ingest = createIngest(opened.telemetry, {
    attribute: callAttribution(
      (query) => attributor.attribute(query),
      () => 'team',
    ),
    policies: contentPolicies({
      default: 'full',
      environments: { masked: 'redacted', sealed: 'hash_only' },
      redact: [],
    }),
  });
  await ingest.start();
});
afterAll(async () => {
  await ingest.stop(5_000);
  await opened.database.close();
});

interface Sent {
  readonly system: string;
  readonly user?: string;
  readonly environment?: string;
  readonly service: string;
}

async function send(calls: readonly Sent[]): Promise<void> {
  const spans = calls.map(({ system, user = 'hello', environment = 'production', service }) => ({
    traceId: hexId(16),
    service,
    environment,
    attributes: chatAttributes(system, [{ role: 'user', text: user }], 'Certainly.'),
  }));
  const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
  expect(answer.outcome).toBe('durable');
  const ids = new Set(spans.map(({ traceId }) => traceId));
  const stored = await eventually(
    async () => {
      const { items } = await opened.invocations.list({ service: calls[0]?.service }, { limit: 1_000 });
      return items.filter(({ invocation }) => ids.has(invocation.traceId)).length;
    },
    (count) => count === ids.size,
  );
  expect(stored).toBe(ids.size);
}

const answers = (company: string, question: string, end = ''): string =>
  ANSWERS.replaceAll('{{ company }}', company).replace('{{ question }}', () => question) + end;

function summary(prompt: string, filter: object, top = 5): Promise<VariableSummary> {
  const now = systemClock.now();
  const [from, to]: [Timestamp, Timestamp] = [addMillis(now, -3_600_000), addMillis(now, 60_000)];
  return createVariableLog(opened.database).summary({ prompt, from, to, ...filter }, top);
}

/** Rows of `variables` as they are. */
function rowsOf(service: string): Promise<readonly { readonly values: string[]; readonly characters: number[] }[]> {
  return opened.database.query(
    `SELECT names, values, kept, characters FROM call_variables
     WHERE hash IN (SELECT variables_hash FROM invocations WHERE service = {service:String})`,
    { service },
  );
}

describe('variables', () => {
  test('are counted by name, with their most frequent values and lengths', async () => {
    const service = 'counted';
    await send([
      ...Array.from({ length: 6 }, () => ({ service, system: answers('Acme', 'Where is my parcel?') })),
      ...Array.from({ length: 3 }, () => ({ service, system: answers('Acme', 'Why?') })),
      { service, system: answers('Globex', 'Why?') },
      { service, system: answers('Globex', 'How?', ' Be brief.') },
      { service, system: 'Draw a horse.' },
    ]);
    const all = await summary('answers', { service });
    expect(all).toMatchObject({ calls: 11, callsWithVariables: 11, callsLookedAt: 11 });
    expect(all.variables).toEqual([
      {
        name: 'company',
        calls: 11,
        distinct: 2,
        characters: { min: 4, p50: 4, p95: 6, max: 6 },
        // Twice in each text.
        top: [
          { value: 'Acme', kept: true, calls: 18 },
          { value: 'Globex', kept: true, calls: 4 },
        ],
      },
      {
        name: 'question',
        calls: 11,
        distinct: 3,
        characters: { min: 4, p50: 19, p95: 19, max: 19 },
        top: [
          { value: 'Where is my parcel?', kept: true, calls: 6 },
          { value: 'Why?', kept: true, calls: 4 },
          { value: 'How?', kept: true, calls: 1 },
        ],
      },
    ]);
    expect((await summary('answers', { service, version: '2' })).variables[1]).toMatchObject({
      name: 'question',
      calls: 1,
    });
    expect((await summary('answers', { service }, 1)).variables[1]?.top).toHaveLength(1);
    expect(await summary('answers', { service, environment: 'nowhere' })).toMatchObject({ calls: 0, variables: [] });
    // One row for each distinct text, and not for each call.
    expect(await rowsOf(service)).toHaveLength(4);
  });

  test('of several messages of a chat are found together', async () => {
    const service = 'chats';
    const user = 'Into French, as polite as it can be:\nGood morning.';
    await send([{ service, system: 'You translate what people write, and you never explain it.', user }]);
    expect((await summary('chat', { service })).variables.map(({ name, top }) => [name, top[0]?.value])).toEqual([
      ['language', 'French'],
      ['text', 'Good morning.'],
      ['tone', 'polite'],
    ]);
  });

  test('that are long are cut in the middle, with a mark, and are told apart all the same', async () => {
    const service = 'long';
    const long = (letter: string): string => `${'a'.repeat(2_500)}${letter}${'z'.repeat(2_500)}`;
    await send([
      { service, system: answers('Acme', long('b')) },
      { service, system: answers('Acme', long('c')) },
    ]);
    const rows = await rowsOf(service);
    expect(rows.map(({ values }) => values[1])).toEqual([
      expect.stringMatching(/^a{1500}\n\[cut: 5001 characters in all, sha256:[0-9a-f]{64}\]\nz{500}$/),
      expect.stringMatching(/^a{1500}\n\[cut/),
    ]);
    expect((await summary('answers', { service })).variables).toMatchObject([
      { name: 'company' },
      { name: 'question', distinct: 2, characters: { min: 5_001, max: 5_001 } },
    ]);
  });

  test('are redacted, or only hashed, as their texts are', async () => {
    const question = 'Write to ada@example.com, she knows.';
    await send([{ service: 'masked', environment: 'masked', system: answers('Acme', question) }]);
    await send([{ service: 'sealed', environment: 'sealed', system: answers('Acme', question) }]);
    // The same text, where it may be kept.
    await send([{ service: 'open', system: answers('Acme', question) }]);
    const values = async (service: string): Promise<unknown> =>
      (await summary('answers', { service })).variables.map(({ characters, distinct, top }) => [
        characters?.max ?? null,
        distinct,
        top[0]?.value,
      ]);
    expect(await values('masked')).toEqual([
      [4, 1, 'Acme'],
      [37, 1, 'Write to [redacted:email], she knows.'],
    ]);
    expect(await values('sealed')).toEqual([
      [null, 1, expect.stringMatching(/^sha256:[0-9a-f]{64}$/)],
      [null, 1, expect.stringMatching(/^sha256:[0-9a-f]{64}$/)],
    ]);
    expect(await values('open')).toEqual([
      [4, 1, 'Acme'],
      [question.length, 1, question],
    ]);
    expect(JSON.stringify(await rowsOf('sealed'))).not.toMatch(/Acme|ada@/);
    expect(JSON.stringify(await rowsOf('masked'))).not.toContain('ada@');
  });

  test('stay with their call when it is settled again without its text', async () => {
    const service = 'again';
    await send([{ service, environment: 'sealed', system: answers('Acme', 'Still there?') }]);
    const before = await summary('answers', { service });
    const { items } = await opened.invocations.list({ service }, { limit: 1 });
    ingest.resettle(items.map(({ invocation }) => invocation.traceId));
    await send([{ service, system: answers('Acme', 'Another one.') }]);
    expect((await summary('answers', { service, environment: 'sealed' })).variables).toEqual(before.variables);
  });
});
