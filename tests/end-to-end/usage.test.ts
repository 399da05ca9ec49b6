/**
 * What an analyst asks: what each prompt and version costs, how slow and how good it is. The real daemon is told of
 * calls and judgements of three days; beside each answer stands what comes out of adding the same calls up here.
 * SEED repeats a run.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareText } from '../../src/lib/compare.ts';
import { chatAttributes, hexId, logsBody, tracesBody, type LogDraft } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { seededRandom } from '../support/random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const CALLS = 900;
const DAY_MS = 86_400_000;
const PRICE_CHANGED_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
const random = seededRandom();
const directory = tempDirectory();

const TEMPLATES: Readonly<Record<string, string>> = {
  'support.router@1': 'You route what customers write to a department. Answer with one word, and nothing else.',
  'support.router@2': 'You route what customers write to a department. Answer with one label, and nothing else.',
  'support.summary@1': 'You summarise a conversation for the next colleague, in three short sentences.',
};

/** Dollars per million tokens: input, output, from the cache. */
const PRICES: Readonly<Record<string, readonly [number, number, number]>> = {
  'gpt-4o': [2.5, 10, 1.25],
  'claude-haiku-4-5': [1, 5, 0.1],
};

interface Call {
  readonly traceId: string;
  readonly spanId: string;
  readonly startMs: number;
  readonly prompt: string;
  readonly version: string;
  readonly environment: string;
  readonly service: string;
  readonly model: string;
  readonly tier: string;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly latencyMs: number;
  readonly error: boolean;
  readonly reason: string;
  readonly helpful: readonly number[];
  readonly safe: string | null;
}

const pick = <Item>(...items: readonly Item[]): Item => items[random.below(items.length)] as Item;

function randomCall(): Call {
  const [prompt, version] = pick(...Object.keys(TEMPLATES)).split('@') as [string, string];
  const model = pick('gpt-4o', 'claude-haiku-4-5', 'own-llama', 'nobody-knows');
  const input = 200 + random.below(800);
  const isNew = version === '2';
  return {
    traceId: hexId(16),
    spanId: hexId(8),
    startMs: Date.now() - 60_000 - random.below(3 * DAY_MS),
    prompt,
    version,
    environment: pick('production', 'production', 'staging'),
    service: pick('web', 'worker'),
    model,
    tier: model === 'gpt-4o' ? pick('', 'default', 'flex', 'priority') : '',
    input,
    cached: random.below(2) * random.below(input),
    output: 10 + random.below(isNew ? 400 : 200),
    latencyMs: 100 + random.below(2_000),
    error: random.below(20) === 0,
    reason: random.below(isNew ? 5 : 20) === 0 ? 'length' : 'stop',
    helpful: random.below(3) === 0 ? [random.below(5) / 4, random.below(5) / 4].slice(random.below(2)) : [],
    safe: random.below(3) === 0 ? pick('pass', 'pass', 'pass', 'fail') : null,
  };
}

const calls = Array.from({ length: CALLS }, randomCall);

let daemon: Daemon;
beforeAll(async () => {
  mkdirSync(join(directory, 'prompts'));
  for (const [name, template] of Object.entries(TEMPLATES)) {
    const [id, version] = name.split('@');
    const parent = version === '2' ? 'parent: 1\n' : '';
    writeFileSync(
      join(directory, `prompts/${name}.yaml`),
      `id: ${id}\nversion: ${version}\n${parent}owner: ${id === 'support.router' ? 'routing' : 'desk'}\nmodel: gpt-4o\n` +
        `tags: [support]\nformat: plain\ntemplate: ${JSON.stringify(template)}\n`,
    );
  }
  const changed = new Date(PRICE_CHANGED_MS).toISOString().slice(0, 10);
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `registry: [{ files: ./prompts }]
store: { path: ./data }
prices:
  - { model: own-llama, valid_to: ${changed}, input_usd_per_million: 0.4, output_usd_per_million: 0.8 }
  - { model: own-llama, valid_from: ${changed}, input_usd_per_million: 0.2, output_usd_per_million: 0.4 }
  - { model: "*", service_tier: flex, public_price_times: 0.5 }
`,
  );
  daemon = await startDaemon(directory);
  await post('/v1/traces', tracesBody(calls.map(spanOf)));
  // The model has judged before the span is there, or after the call was settled.
  const judged = calls.flatMap(judgementsOf);
  const half = Math.floor(judged.length / 2);
  await post('/v1/logs', logsBody(judged.slice(0, half)));
  await eventually(async () => (await usage('group_by=prompt')).length === 2);
  await post('/v1/logs', logsBody(judged.slice(half)));
});
afterAll(() => daemon.stop());

async function post(path: string, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${daemon.otlp}${path}`, { method: 'POST', headers, body: new Uint8Array(body) });
  if (response.status !== 200) throw new Error(await response.text());
}

function spanOf(call: Call) {
  const { traceId, spanId, startMs, latencyMs: durationMs, environment, service } = call;
  const system = TEMPLATES[`${call.prompt}@${call.version}`] as string;
  const attributes = chatAttributes(system, [{ role: 'user', text: `hello ${traceId}` }], 'Billing', {
    'gen_ai.provider.name': call.model === 'claude-haiku-4-5' ? 'anthropic' : 'openai',
    'gen_ai.request.model': call.model,
    'gen_ai.response.model': call.model,
    'gen_ai.usage.input_tokens': call.input,
    'gen_ai.usage.output_tokens': call.output,
    'gen_ai.usage.cache_read.input_tokens': call.cached,
    'gen_ai.response.finish_reasons': call.reason,
    ...(call.tier !== '' && { 'openai.response.service_tier': call.tier }),
    ...(call.error && { 'error.type': 'timeout' }),
  });
  return { traceId, spanId, startMs, durationMs, environment, service, attributes };
}

function judgementsOf({ traceId, spanId, startMs, helpful, safe }: Call): LogDraft[] {
  const judgement = (attributes: Readonly<Record<string, string | number>>, at: number): LogDraft => ({
    traceId,
    spanId,
    timeMs: startMs + 5_000 + at,
    eventName: 'gen_ai.evaluation.result',
    attributes,
  });
  return [
    ...helpful.map((score, at) =>
      judgement(
        {
          'gen_ai.evaluation.name': 'helpful',
          'gen_ai.evaluation.score.value': score,
          'gen_ai.evaluation.explanation': `Judge ${at}.`,
        },
        at,
      ),
    ),
    ...(safe === null
      ? []
      : [judgement({ 'gen_ai.evaluation.name': 'safe', 'gen_ai.evaluation.score.label': safe }, 2)]),
  ];
}

type Row = any;

async function usage(query: string): Promise<readonly Row[]> {
  return (await daemon.get<{ data: Row[] }>(`/api/v1/usage?from=2020-01-01T00:00:00Z&${query}`)).data;
}

/** In units of 10⁻¹⁰ dollars; null: no price is known. */
function costOf({ model, tier, input, cached, output, startMs }: Call): number | null {
  if (model === 'own-llama') {
    const times = startMs < PRICE_CHANGED_MS ? 2 : 1;
    return Math.round((input * 0.2 + output * 0.4) * times * 1e4);
  }
  const prices = PRICES[model];
  if (prices === undefined || tier === 'priority') return null;
  const [ofInput, ofOutput, ofCached] = prices;
  const ordinary = (input - cached) * ofInput + cached * ofCached + output * ofOutput;
  return Math.round(ordinary * (tier === 'flex' ? 0.5 : 1) * 1e4);
}

function quantile(values: readonly number[], of: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))] as number;
}

function sumsOf(some: readonly Call[]) {
  const sum = (read: (call: Call) => number): number => some.reduce((total, call) => total + read(call), 0);
  const scores = some.flatMap(({ helpful }) => helpful);
  return {
    calls: some.length,
    errors: sum(({ error }) => (error ? 1 : 0)),
    input: sum(({ input }) => input),
    cached: sum(({ cached }) => cached),
    output: sum(({ output }) => output),
    cost: sum((call) => costOf(call) ?? 0),
    unpriced: sum((call) => (costOf(call) === null ? 1 : 0)),
    cutOff: sum(({ reason }) => (reason === 'length' ? 1 : 0)),
    helpful: scores.length,
    points: scores.reduce((total, score) => total + score, 0) * 4,
    safe: sum(({ safe }) => (safe === null ? 0 : 1)),
    passed: sum(({ safe }) => (safe === 'pass' ? 1 : 0)),
  };
}

function sumsIn(row: Row): ReturnType<typeof sumsOf> {
  const { helpful, safe } = row.evaluations;
  return {
    calls: row.calls,
    errors: row.errors,
    input: row.input_tokens,
    cached: row.cache_read_tokens,
    output: row.output_tokens,
    cost: Math.round(Number(row.cost_usd) * 1e10),
    unpriced: row.unpriced_calls,
    cutOff: row.finish_reasons.length ?? 0,
    helpful: helpful?.count ?? 0,
    points: Math.round((helpful?.mean_score ?? 0) * (helpful?.scored ?? 0) * 4),
    safe: safe?.count ?? 0,
    passed: safe?.labels.pass ?? 0,
  };
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => compareText(a[0], b[0]);
const ownerOf = ({ prompt }: Call): string => (prompt === 'support.router' ? 'routing' : 'desk');
const dayIn = (timeZone: string) => (call: Call) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(call.startMs);

describe(`usage, seed ${random.seed}`, () => {
  interface Asked {
    readonly query: string;
    readonly groups: readonly string[];
    readonly keyOf: (call: Call) => string;
    readonly isMeant?: (call: Call) => boolean;
  }
  test.each<Asked>([
    {
      query: 'group_by=prompt,version',
      groups: ['prompt', 'version'],
      keyOf: ({ prompt, version }) => `${prompt} ${version}`,
    },
    { query: 'group_by=owner', groups: ['owner'], keyOf: ownerOf },
    {
      query: 'group_by=model,service_tier',
      groups: ['model', 'service_tier'],
      keyOf: ({ model, tier }) => `${model} ${tier}`,
    },
    {
      query: 'group_by=environment,service',
      groups: ['environment', 'service'],
      keyOf: ({ environment, service }) => `${environment} ${service}`,
    },
    { query: 'group_by=day', groups: ['day'], keyOf: dayIn('UTC') },
    { query: 'group_by=day&timezone=Asia/Kolkata', groups: ['day'], keyOf: dayIn('Asia/Kolkata') },
    {
      query: 'group_by=version,day&timezone=america/new_york&prompt=support.router&environment=production',
      groups: ['version', 'day'],
      keyOf: (call) => `${call.version} ${dayIn('America/New_York')(call)}`,
      isMeant: ({ prompt, environment }) => prompt === 'support.router' && environment === 'production',
    },
    {
      query: 'group_by=prompt&service_tier=&owner=routing',
      groups: ['prompt'],
      keyOf: ({ prompt }) => prompt,
      isMeant: (call) => ownerOf(call) === 'routing' && call.tier === '',
    },
  ])('adds up $query', async ({ query, groups, keyOf, isMeant = () => true }) => {
    const wanted = Map.groupBy(calls.filter(isMeant), keyOf);
    const expected = [...wanted].map(([key, some]) => [key, sumsOf(some)] as const).toSorted(byKey);
    const answered = async () =>
      (await usage(query))
        .map((row) => [groups.map((group) => row[group] ?? '').join(' '), sumsIn(row)] as const)
        .toSorted(byKey);
    await eventually(async () => JSON.stringify(await answered()) === JSON.stringify(expected)).catch(() => {});
    expect(await answered()).toEqual(expected);
  });

  test('says how slow calls were, and how long their answers', async () => {
    for (const row of await usage('group_by=version&prompt=support.router')) {
      const some = calls.filter(({ prompt, version }) => prompt === 'support.router' && version === row.version);
      for (const of of [0.5, 0.95] as const) {
        const name = of === 0.5 ? 'p50' : 'p95';
        const within = (values: readonly number[]) => [
          quantile(values, of - 0.02),
          quantile(values, Math.min(1, of + 0.02)),
        ];
        const [fast, slow] = within(some.map(({ latencyMs }) => latencyMs)) as [number, number];
        expect(row.latency_ms[name]).toBeGreaterThanOrEqual(fast);
        expect(row.latency_ms[name]).toBeLessThanOrEqual(slow);
        const [short, long] = within(some.map(({ output }) => output)) as [number, number];
        expect(row.output_tokens_of_call[name]).toBeGreaterThanOrEqual(short);
        expect(row.output_tokens_of_call[name]).toBeLessThanOrEqual(long);
      }
    }
  });

  test('shows what a change of a prompt did in one command', async () => {
    const line = [
      'usage',
      'support.router',
      '--compare',
      '1,v2',
      '--from',
      '2020-01-01T00:00:00Z',
      '--url',
      daemon.api,
    ];
    const { stdout } = await runPlumbline(directory, line);
    const cells = stdout
      .trimEnd()
      .split('\n')
      .map((each) => each.trim().split(/ {2,}/));
    expect(cells[0]).toEqual(['1', 'v2', 'change']);
    const [before, after] = ['1', '2'].map((version) =>
      calls.filter((call) => call.prompt === 'support.router' && call.version === version),
    ) as [Call[], Call[]];
    const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
    const shares = [before, after].map((some) => sumsOf(some).errors / some.length) as [number, number];
    expect(cells[2]?.slice(0, 3)).toEqual(['errors', ...shares.map(percent)]);
    const costs = [before, after].map((some) => {
      const { cost, unpriced } = sumsOf(some);
      return cost / 1e10 / (some.length - unpriced);
    }) as [number, number];
    const change = costs[1] / costs[0] - 1;
    expect(cells[3]).toEqual([
      'usd a call',
      ...costs.map((cost) => String(Number(cost.toPrecision(3)))),
      `${change < 0 ? '-' : '+'}${percent(Math.abs(change))}`,
    ]);
    const passed = [before, after].map((some) => sumsOf(some).passed / sumsOf(some).safe);
    expect(cells.find(([title]) => title === 'safe: pass')?.slice(1, 3)).toEqual(passed.map(percent));
    expect(cells.map(([title]) => title)).toEqual(
      expect.arrayContaining(['latency p95', 'ended by stop', 'ended by length', 'helpful', 'safe: fail']),
    );
  });

  test('says what it can not compare', async () => {
    const ask = (...line: string[]) => runPlumbline(directory, ['usage', ...line, '--url', daemon.api]);
    const gone = await ask('support.router', '--compare', '1,7', '--from', '2020-01-01T00:00:00Z');
    expect([gone.code, gone.stderr]).toEqual([
      0,
      'Without calls in this period: 7. Ask from an earlier time, or of another version.\n',
    ]);
    for (const line of [
      ['--compare', '1,2'],
      ['support.router', '--compare', '1'],
      ['--only', 'moon=full'],
    ])
      expect((await ask(...line)).code).toBe(2);
    const unknown = await ask('--timezone', 'Moon/Base', '--by', 'day');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Europe/Berlin')]);
  });
});
