/**
 * The real daemon told of calls over OTLP whose text is still a render of the registered version, with an
 * edit where a variable's value is: it is found and alerted, also after a restart, and values that have
 * always begun alike are not.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../bench/attribution/random.ts';
import { prose } from '../../bench/attribution/renders.ts';
import { chatAttributes, hexId } from '../ingest/harness.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { lock, writeConfiguration, writeVersion } from '../support/project.ts';
import { sendSpans } from '../support/send-spans.ts';

/** Traffic is looked at every half minute. */
const LOOK_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 300_000;
const MINUTE_MS = 60_000;
const PROMPT = 'support.answers';
const TEMPLATE =
  'You answer what customers of {{ company }} ask, in one paragraph.\nThe question: {{ question }}\nAnswer politely.';

let directory: string;
let daemon: Daemon;
const random = seededRandom(11);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-hidden-'));
  writeVersion(directory, { id: PROMPT, format: 'jinja2', template: TEMPLATE });
  writeConfiguration(directory, [
    'channels: [{ name: terminal, type: console }]',
    'content: { default: full, environments: { sealed: hash_only } }',
  ]);
  await lock(directory);
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Calls {
  readonly service: string;
  readonly environment?: string;
  readonly count: number;
  /** Minutes ago, of the first and the last. */
  readonly from: number;
  readonly until: number;
  readonly question: (text: string) => string;
}

async function send({ service, environment = 'production', count, from, until, question }: Calls): Promise<void> {
  const stepMs = ((from - until) * MINUTE_MS) / Math.max(1, count - 1);
  const spans = Array.from({ length: count }, (_, index) => {
    const filled = TEMPLATE.replace('{{ company }}', 'Acme Corporation of Great Britain').replace(
      '{{ question }}',
      () => question(prose(60)(random)),
    );
    return {
      traceId: hexId(16),
      service,
      environment,
      startMs: Math.round(Date.now() - from * MINUTE_MS + index * stepMs),
      attributes: chatAttributes(filled, [{ role: 'user', text: 'hello' }], 'Certainly.'),
    };
  });
  await sendSpans(daemon, spans);
}

interface Incident {
  readonly id: string;
  readonly target: string;
  readonly status: string;
  readonly verdict: string;
  readonly summary: string;
  readonly diff: string;
  readonly observed: { readonly version: string | null; readonly text: string | null };
  readonly evidence: readonly { readonly kind: string; readonly words: string }[];
  readonly changed_between: readonly (string | null)[];
}

async function incidentOf(service: string): Promise<Incident | undefined> {
  const { data } = await daemon.get<{ data: readonly Incident[] }>('/api/v1/incidents');
  return data.find(({ target }) => target === `traffic:${service}/${PROMPT}`);
}

const plain = (text: string): string => text;

test(
  'an edit beside a variable is found and alerted, with the words as a diff',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    await send({ service: 'edited', count: 40, from: 28, until: 14, question: plain });
    await send({
      service: 'edited',
      count: 30,
      from: 12,
      until: 1,
      question: (text) => `Never offer refunds. ${text}`,
    });
    // What values have always begun with is how they are.
    const usual = (text: string): string => `From the web form: ${text}`;
    await send({ service: 'usual', count: 70, from: 28, until: 1, question: usual });
    // Of a version that came with the words nobody can tell.
    await send({ service: 'new', count: 30, from: 12, until: 1, question: (text) => `Never offer refunds. ${text}` });
    // One odd call.
    await send({ service: 'odd', count: 60, from: 28, until: 1, question: plain });
    await send({ service: 'odd', count: 1, from: 1, until: 1, question: (text) => `Never offer refunds. ${text}` });
    await send({ service: 'sealed', environment: 'sealed', count: 60, from: 28, until: 18, question: plain });
    await send({
      service: 'sealed',
      environment: 'sealed',
      count: 30,
      from: 16,
      until: 1,
      question: (text) => `Never offer refunds. ${text}`,
    });

    const incident = await eventually(() => incidentOf('edited'), LOOK_TIMEOUT_MS);
    expect(incident).toMatchObject({
      status: 'open',
      verdict: 'edited',
      reason: 'same_words_beside_variable',
      severity: 'critical',
      owner: 'support-team',
      expected: { version: '1' },
      observed: { version: '1', text: TEMPLATE.replace('{{ question }}', 'Never offer refunds. {{ question }}') },
    });
    expect(incident.summary).toMatch(/since .* UTC the calls of edited carry the same words before question/);
    expect(incident.diff).toContain('+The question: Never offer refunds. {{ question }}');
    const words = incident.evidence.map((evidence) => evidence.words);
    expect(words).toContain('the same words stand before question: "Never offer refunds. "');
    expect(words.join('\n')).toMatch(
      /(\d+) of the calls since then were looked at: they have \1 different values; of \d+ calls before, none/,
    );
    const [after, by] = incident.changed_between.map((time) => Date.now() - Date.parse(time ?? ''));
    expect((after as number) / MINUTE_MS).toBeGreaterThan(13);
    expect((by as number) / MINUTE_MS).toBeGreaterThan(11);
    await daemon.waitFor(/Never offer refunds/);

    const sealed = await eventually(() => incidentOf('sealed'), LOOK_TIMEOUT_MS);
    expect(sealed).toMatchObject({ verdict: 'edited', observed: { version: '1', text: null }, diff: '' });
    expect(JSON.stringify(sealed)).not.toContain('refunds');

    // The others were looked at with them.
    for (const service of ['usual', 'new', 'odd']) expect(await incidentOf(service)).toBeUndefined();
  },
);

test(
  'it stays one incident over a restart, and ends when the words are gone',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const before = await incidentOf('edited');
    await daemon.stop();
    daemon = await startDaemon(directory);
    await send({ service: 'usual', count: 1, from: 1, until: 1, question: (text) => `From the web form: ${text}` });
    // Enough looks that it would have been taken back.
    await new Promise((resolve) => setTimeout(resolve, 45_000));
    expect(await incidentOf('edited')).toMatchObject({ id: before?.id, status: 'open', observed: before?.observed });
    await send({ service: 'edited', count: 30, from: 0.9, until: 0.1, question: plain });
    const healed = await eventually(async () => {
      const incident = await incidentOf('edited');
      return incident?.status === 'resolved' && incident;
    }, LOOK_TIMEOUT_MS);
    expect(healed).toMatchObject({ id: before?.id, resolution: 'in_sync_again' });
  },
);
