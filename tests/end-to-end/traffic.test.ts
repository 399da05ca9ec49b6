/** The real daemon told of calls over OTLP: what they carry beside what is pinned opens incidents, without any watched place. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatAttributes, hexId } from '../ingest/harness.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { lock, writeConfiguration, writeVersion } from '../support/project.ts';
import { sendSpans } from '../support/send-spans.ts';

/** Traffic is looked at every half minute. */
const LOOK_TIMEOUT_MS = 90_000;
const TEST_TIMEOUT_MS = 240_000;
const MINUTE_MS = 60_000;

const ROUTER = (answer: string, message: string): string =>
  `You route what customers write to a department. Answer with ${answer}, and nothing else.\nThe message: ${message}`;
const SUMMARY = 'You summarise a conversation for the next colleague, in three short sentences.';

let directory: string;
let daemon: Daemon;

function register(id: string, version: number, template: string): void {
  writeVersion(directory, { id, version, format: 'jinja2', template });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-traffic-'));
  register('support.router', 1, ROUTER('one word', '{{ message }}'));
  register('support.router', 2, ROUTER('one label', '{{ message }}'));
  writeConfiguration(directory);
  await lock(directory);
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Calls {
  readonly service: string;
  readonly texts: readonly string[];
  readonly declares?: string;
}

/** As a stock exporter would send them, evenly spread from twelve minutes ago to one minute ago. */
async function send({ service, texts, declares }: Calls): Promise<void> {
  const stepMs = (11 * MINUTE_MS) / Math.max(1, texts.length - 1);
  const spans = texts.map((text, index) => ({
    traceId: hexId(16),
    service,
    startMs: Math.round(Date.now() - 12 * MINUTE_MS + index * stepMs),
    attributes: chatAttributes(
      text,
      [{ role: 'user', text: 'hello' }],
      'billing',
      declares === undefined ? {} : { 'gen_ai.prompt.name': 'support.router', 'gen_ai.prompt.version': declares },
    ),
  }));
  await sendSpans(daemon, spans);
}

function messages(answer: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => ROUTER(answer, `Where is parcel ${index}?`));
}

interface Incident {
  readonly target: string;
  readonly status: string;
  readonly verdict: string;
  readonly evidence: readonly { readonly words: string }[];
}

async function incidentOf(service: string): Promise<Incident | undefined> {
  const { data } = await daemon.get<{ data: readonly Incident[] }>('/api/v1/incidents');
  return data.find(({ target }) => target === `traffic:${service}/support.router`);
}

test(
  'a stale cache and a lying badge are told, with counts and evidence; calls that are right say nothing',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    await send({ service: 'stale-cache', texts: messages('one word', 20) });
    await send({ service: 'proud', texts: messages('one word', 20), declares: '2' });
    await send({ service: 'well-kept', texts: messages('one label', 20), declares: '2' });
    await send({ service: 'nearly-well-kept', texts: [...messages('one label', 20), ...messages('one word', 1)] });

    const stale = await eventually(() => incidentOf('stale-cache'), LOOK_TIMEOUT_MS);
    expect(stale).toMatchObject({
      status: 'open',
      verdict: 'stale_version',
      severity: 'warning',
      prompt: 'support.router',
      owner: 'support-team',
      environment: 'production',
      expected: { version: '2' },
      observed: { version: '1' },
      summary:
        'support.router in production: 20 of 20 calls of stale-cache carry an older version than the pinned one.',
      invocations_affected: 20,
    });
    const words = stale.evidence.map((evidence) => evidence.words);
    expect(words).toContain('the texts are compatible with version 1');
    expect(
      words.some((line) => /^20 calls carry an older version .*instance shop-1, .* UTC to .* UTC/.test(line)),
    ).toBe(true);

    const proud = await eventually(() => incidentOf('proud'), LOOK_TIMEOUT_MS);
    expect(proud).toMatchObject({ status: 'open', verdict: 'badge_lied', observed: { version: '1' } });
    expect(proud.evidence.map((evidence) => evidence.words)).toContain('the calls declare v2');

    // They were looked at with the others.
    expect(await incidentOf('well-kept')).toBeUndefined();
    expect(await incidentOf('nearly-well-kept')).toBeUndefined();

    // Enough right calls make the others too few to matter.
    await send({ service: 'stale-cache', texts: messages('one label', 1_200) });
    const healed = await eventually(async () => {
      const incident = await incidentOf('stale-cache');
      return incident?.status === 'resolved' && incident;
    }, LOOK_TIMEOUT_MS);
    expect(healed).toMatchObject({ resolution: 'in_sync_again', invocations_affected: 20 });
  },
);

test('a prompt that is registered later is found in the calls that were stored before', async () => {
  await send({ service: 'summaries', texts: Array.from({ length: 3 }, () => SUMMARY) });
  interface Call {
    readonly service: string;
    readonly prompt: string | null;
    readonly version: string | null;
    readonly owner: string | null;
  }
  const calls = async (): Promise<readonly Call[]> =>
    (await daemon.get<{ data: readonly Call[] }>('/api/v1/invocations?service=summaries')).data;
  const before = await eventually(async () => {
    const found = await calls();
    return found.length === 3 && found;
  });
  expect(before.map(({ prompt }) => prompt)).toEqual([null, null, null]);
  register('support.summary', 1, SUMMARY);
  const after = await eventually(async () => {
    const found = await calls();
    return found.every(({ prompt }) => prompt !== null) && found;
  }, LOOK_TIMEOUT_MS);
  for (const call of after)
    expect(call).toMatchObject({ prompt: 'support.summary', version: '1', owner: 'support-team' });
});
