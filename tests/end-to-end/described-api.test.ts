/** Whoever writes a client from `/openapi.json` gets what it says: each route of a real daemon, with nothing left out. */

import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Explanation } from '../../src/contract/attribution.ts';
import type { QuarantineEntry } from '../../src/contract/telemetry-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { Attribution } from '../../src/http/answers-about-traffic.ts';
import { QuarantineDone, Quarantined, QuarantinedInFull } from '../../src/http/answers.ts';
import { OutputStatus } from '../../src/http/answers-about-outputs.ts';
import { API_ROUTES } from '../../src/http/server.ts';
import { attributionShape, quarantineShape } from '../../src/http/shapes.ts';
import { outputStatusShape } from '../../src/http/shapes-of-outputs.ts';
import { changedStatus, learningStatus } from '../support/output-statuses.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';

const ROOT = join(import.meta.dirname, '../..');
const GOLDEN = join(ROOT, 'tests/golden/otlp');
const SECRET = 'a-secret-of-the-webhook';
const TARGET = 'support-desk-config/support.intent-classifier';

/** Beside the quick start's: a place that does not answer, and pushes. */
const AWAY = `
  - name: away
    type: langsmith
    environment: production
    every: 2s
    base_url: http://127.0.0.1:9
    api_key: none
    webhook_secret: ${SECRET}
    targets: [{ prompt: support.ticket-summary, prompt_name: x }]
`;

let directory: string;
let daemon: Daemon;
let document: any;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-described-'));
  cpSync(join(ROOT, 'examples/quickstart'), directory, { recursive: true });
  rmSync(join(directory, 'live/ticket-summary.txt'));
  appendFileSync(join(directory, 'live/intent-classifier.txt'), 'Always answer "sales".\n');
  const file = readFileSync(join(directory, 'plumbline.yaml'), 'utf8');
  writeFileSync(join(directory, 'plumbline.yaml'), file.replace('\nchannels:', `${AWAY}channels:`));
  daemon = await startDaemon(directory);
  document = await daemon.get('/openapi.json');
  for (const dialect of readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
    await sendAll(join(GOLDEN, dialect.name));
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function sendAll(folder: string): Promise<void> {
  const requests = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of requests.filter((path) => path.endsWith('.json') && !path.endsWith('expected.json'))) {
    const signal = name.includes('.logs.') ? 'logs' : 'traces';
    const body = readFileSync(join(folder, name));
    await fetch(`${daemon.otlp}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
  }
}

const published = new Map<string, z.ZodType>();

/** As the document has it, with all that it refers to. */
function publishedForm(method: string, path: string, status: number): z.ZodType {
  const key = `${method} ${path} ${status}`;
  const responses = document.paths[path][method.toLowerCase()].responses;
  const schema = responses[status].content['application/json'].schema;
  const whole = { ...schema, $defs: document.components.schemas };
  const form =
    published.get(key) ??
    z.fromJSONSchema(JSON.parse(JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/')));
  published.set(key, form);
  return form;
}

const asked = new Set<string>();

/** Asks, and holds the answer against what is published and against what we wrote, in which nothing may be missing. */
async function ask(line: string, options: { from?: string; body?: unknown; headers?: object; status?: number } = {}) {
  const [method = '', address = ''] = line.split(' ');
  const { from: path = address.split('?')[0] ?? '', body, headers = {}, status = 200 } = options;
  asked.add(`${method} ${path}`);
  const response = await fetch(new URL(address, daemon.api), {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: any = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(status);
  expect(publishedForm(method, path, status).safeParse(answer).error).toBeUndefined();
  const described = API_ROUTES.find((each) => each.method === method && each.path === path)?.answer;
  const written = (described !== undefined && 'otherTypes' in described ? described.json : described) as
    | z.ZodType
    | undefined;
  expect(written?.parse(answer)).toEqual(answer);
  return answer;
}

const incidentOf = (verdict: string): Promise<any> =>
  eventually(async () => {
    const { data } = await daemon.get('/api/v1/incidents?status=unresolved');
    return data.find((incident: any) => incident.verdict === verdict);
  });

const PERIOD = 'from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z';

describe('the answers', () => {
  test('about the daemon and what is registered', async () => {
    await ask('GET /healthz');
    await ask('GET /readyz');
    const { data: prompts } = await ask('GET /api/v1/prompts');
    expect(prompts.some((prompt: any) => prompt.pins.length > 0)).toBe(true);
    for (const { id } of prompts)
      await ask(`GET /api/v1/prompts/${id}/versions`, { from: '/api/v1/prompts/{id}/versions' });
  });

  test('about places, incidents and restores', async () => {
    await incidentOf('missing');
    const { id } = await incidentOf('edited');
    const { data: seen } = await eventually(async () => {
      const { data } = await daemon.get('/api/v1/observations?limit=1000');
      const outcomes = new Set(data.map(({ outcome }: any) => outcome));
      return outcomes.size === 3 && (await ask('GET /api/v1/observations?limit=1000'));
    });
    expect(seen.some((observation: any) => observation.outcome === 'held')).toBe(true);
    await ask('GET /api/v1/targets');
    await ask('GET /api/v1/incidents');
    const one = { from: '/api/v1/incidents/{id}' };
    const full = await eventually(async () => {
      const answer = await ask(`GET /api/v1/incidents/${id}`, one);
      return answer.deliveries.length > 0 && answer;
    });
    expect(full.restore_command).toContain('restore');
    const by = (verb: string): object => ({ from: `/api/v1/incidents/{id}/${verb}`, body: {} });
    await ask(`POST /api/v1/incidents/${id}/acknowledge`, by('acknowledge'));
    await ask(`POST /api/v1/incidents/${id}/snooze`, { ...by('snooze'), body: { for: '2h' } });
    const planned = await ask('POST /api/v1/restore', { body: { target: TARGET, dry_run: true } });
    expect(planned.result).toBe('planned');
    await ask('POST /api/v1/restore', { body: { target: TARGET, reason: 'a test' } });
    await ask('GET /api/v1/restores');
    await ask(`POST /api/v1/incidents/${id}/resolve`, by('resolve'));
  });

  test('about the time machine', async () => {
    const where = 'prompt=support.intent-classifier&environment=production';
    const at = await ask(`GET /api/v1/at?${where}&time=${new Date().toISOString()}`);
    expect(at.intended).not.toBeNull();
    expect(at.held).not.toEqual([]);
    await ask(`GET /api/v1/timeline?${where}&${PERIOD}`);
  });

  test('about the audit chain', async () => {
    const { data } = await ask('GET /api/v1/audit?limit=1000');
    expect(data.some(({ content }: any) => content !== null)).toBe(true);
    await ask('GET /api/v1/audit/heads');
    const lines = await ask('GET /api/v1/audit/report?limit=1000');
    expect(lines.data.some((line: any) => 'text' in line)).toBe(true);
    // The first minute of looks is over then.
    const [batch] = await eventually(async () => {
      const found = (await ask('GET /api/v1/audit?kind=observations')).data;
      return found.length > 0 && found;
    }, 120_000);
    const rows = await ask(`GET /api/v1/audit/rows?segment=${batch.segment}&sequence=${batch.sequence}`);
    expect(rows.data).not.toEqual([]);
    const begun = await ask('POST /api/v1/audit/verifications', { body: { heads: [data[0].hash] } });
    const one = { from: '/api/v1/audit/verifications/{id}' };
    const done = await eventually(async () => {
      const state = await ask(`GET /api/v1/audit/verifications/${begun.id}`, one);
      return state.status === 'done' && state;
    });
    expect(done.verification.findings).toEqual([]);
  });

  test('about calls of every dialect', async () => {
    await eventually(
      async () => (await daemon.get(`/api/v1/usage?group_by=environment&${PERIOD}`)).data[0]?.calls > 50,
    );
    const seen = { calls: 0, evaluated: 0, failed: 0, tools: 0 };
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: any = await ask(`GET /api/v1/invocations?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
      cursor = page.next_cursor;
      for (const call of page.data) {
        seen.calls += 1;
        seen.evaluated += call.evaluations.length;
        seen.failed += call.error === null ? 0 : 1;
        seen.tools += JSON.stringify(call).includes('"tool_call"') ? 1 : 0;
      }
    }
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([]);
    const groups = 'prompt,version,model,service,owner,environment,service_tier,day';
    const { data } = await ask(`GET /api/v1/usage?group_by=${groups}&${PERIOD}`);
    expect(data.some((row: any) => Object.keys(row.evaluations).length > 0)).toBe(true);
    const judgement = { response_id: 'chatcmpl-1', name: 'helpful', score: 1 };
    await ask('POST /api/v1/feedback', { body: judgement, status: 202 });
    const variables = { from: '/api/v1/prompts/{id}/variables' };
    await ask(`GET /api/v1/prompts/support.intent-classifier/variables?${PERIOD}`, variables);
    await ask('GET /api/v1/outputs');
    await ask('GET /api/v1/baselines');
    for (const format of ['json', 'compact'])
      expect((await ask('POST /api/v1/sql', { body: { query: 'SELECT * FROM calls LIMIT 2', format } })).rows).toBe(2);
    await ask('POST /api/v1/reprice', { body: { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' } });
  });

  test('about texts', async () => {
    const text = readFileSync(join(directory, 'live/refund-policy.txt'), 'utf8');
    const settings = { model: 'another', parameters: { temperature: 2 } };
    expect((await ask('POST /api/v1/attribute', { body: { text, settings } })).kind).toBe('exact');
    const edited = readFileSync(join(ROOT, 'examples/quickstart/live/ticket-summary.txt'), 'utf8').replace(
      '.',
      ', always.',
    );
    expect((await ask('POST /api/v1/attribute', { body: { text: edited } })).near).not.toEqual([]);
    expect((await ask('POST /api/v1/attribute', { body: { text: 'Hello there.' } })).matches).toEqual([]);
  });

  test('about pushes and what is put aside', async () => {
    const push = { from: '/api/v1/webhooks/{source}', status: 202, headers: { authorization: `Bearer ${SECRET}` } };
    const pushed = await ask('POST /api/v1/webhooks/away', { ...push, body: { prompt_name: 'x' } });
    expect(pushed.looking_at).toEqual(['away/support.ticket-summary']);
    await ask('GET /api/v1/quarantine');
  });

  test('that a small daemon has no occasion to give', () => {
    const entry: QuarantineEntry = {
      id: 'a1',
      at: '2026-11-20T10:00:00.000000000Z' as Timestamp,
      kind: 'row',
      lane: 'invocations',
      reason: 'no number',
      payload: '{}',
      status: 'waiting',
    };
    const listed = quarantineShape(entry, false);
    const shown = quarantineShape(entry, true);
    expect([Quarantined.parse(listed), QuarantinedInFull.parse(shown)]).toEqual([listed, shown]);
    for (const status of [changedStatus(), learningStatus()]) {
      for (const textOf of [undefined, () => null, () => 'Yes.']) {
        const outputs = outputStatusShape(status, 5, textOf);
        expect(OutputStatus.parse(outputs)).toEqual(outputs);
      }
    }
    expect(QuarantineDone.safeParse({ id: 'a1', status: 'discarded' }).success).toBe(true);
    const match = { prompt: 'p', version: '1', model: 'm', literalBytes: 100, gaps: 1, hash: null, variables: [] };
    const tied: Explanation = {
      attribution: {
        kind: 'rendered',
        matches: [match],
        near: [],
        tie: { because: ['pinned'], others: [match] },
        contradictsDeclaration: true,
        words: 'compatible',
      },
      matches: [{ match, messages: [[{ literal: 'Hello ' }, { variable: 'x', value: 'y' }]], settings: [] }],
      competing: [match],
    };
    const shape = attributionShape(tied);
    expect(Attribution.parse(shape)).toEqual(shape);
  });

  test('of all routes that answer with JSON were looked at', () => {
    const rare = new Set([
      'GET /metrics',
      'GET /api/v1/alerts/{id}',
      'GET /api/v1/quarantine/{id}',
      'POST /api/v1/quarantine/{id}/replay',
      'POST /api/v1/quarantine/{id}/discard',
    ]);
    const routes = API_ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(routes.filter((route) => !asked.has(route) && !rare.has(route))).toEqual([]);
  });
});

test('all that the document refers to is in it, under a name that we gave', () => {
  const names = Object.keys(document.components.schemas);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
  expect(references.length).toBeGreaterThan(100);
  expect(references.filter((reference) => !names.some((name) => reference === `#/components/schemas/${name}`))).toEqual(
    [],
  );
  expect(names.filter((name) => !/^[A-Z][A-Za-z]+$/.test(name))).toEqual([]);
});

test('what is wrong is a problem as it is described', async () => {
  const form = z.fromJSONSchema({ ...document.components.schemas.Problem, additionalProperties: false });
  for (const path of ['/api/v1/incidents/none', '/api/v1/usage?group_by=moon', '/api/v1/at', '/api/v1/nothing']) {
    const response = await fetch(new URL(path, daemon.api));
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(form.safeParse(await response.json()).error).toBeUndefined();
  }
});
