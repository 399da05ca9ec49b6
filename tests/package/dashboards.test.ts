/**
 * Grafana's dashboards, checked without a Grafana: their questions are answered by a store, with macros and variables filled in
 * as its ClickHouse plugin does, and what they and the containers name exists.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { NO_TRAIL } from '../../src/store/audit/trail.ts';
import { createIncidentLog } from '../../src/store/incident-log.ts';
import { createVerdictLog } from '../../src/store/verdict-log.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { incident, judgement } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'dashboards/grafana');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const dashboards = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, dashboard: JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) }));

interface Asked {
  readonly where: string;
  readonly sql: string;
  readonly panel: any;
}

const asked: readonly Asked[] = dashboards.flatMap(({ name, dashboard }) =>
  [
    ...dashboard.panels.flatMap((panel: any) =>
      (panel.targets ?? []).map(({ rawSql }: any) => ({ where: `${name}: ${panel.title}`, sql: rawSql, panel })),
    ),
    ...dashboard.templating.list.map(({ name: variable, query }: any) => ({
      where: `${name}: variable ${variable}`,
      sql: query.rawSql,
      panel: null,
    })),
    ...dashboard.annotations.list.map(({ name: annotation, target }: any) => ({
      where: `${name}: annotation ${annotation}`,
      sql: target.rawSql,
      panel: null,
    })),
  ].filter(({ sql }: Asked) => sql !== undefined),
);

/** What is chosen of each variable: all of it, or two values with a quote in one. */
type Choice = 'all' | 'some';
const CHOSEN = ['production', "o'brien"];
const HOUR_S = 3_600;
const nowS = Math.floor(Date.now() / 1_000);
const [fromS, toS] = [nowS - 24 * HOUR_S, nowS + HOUR_S];

/** As the plugin does: https://github.com/grafana/clickhouse-datasource/blob/main/pkg/macros/macros.go */
function filledIn(sql: string, choice: Choice): string {
  const quoted = CHOSEN.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(',');
  return sql
    .replaceAll(/\$__conditionalAll\(((?:[^()]|\([^()]*\))*), \$\w+\)/g, (_, condition: string) =>
      choice === 'all' ? '1=1' : condition,
    )
    .replaceAll(
      /\$__timeFilter\((\w+)\)/g,
      (_, column: string) => `${column} >= toDateTime(${fromS}) AND ${column} <= toDateTime(${toS})`,
    )
    .replaceAll(
      /\$__timeInterval\((\w+)\)/g,
      (_, column: string) => `toStartOfInterval(toDateTime(${column}), INTERVAL 600 second)`,
    )
    .replaceAll('$__fromTime', `toDateTime(${fromS})`)
    .replaceAll('$__toTime', `toDateTime(${toS})`)
    .replaceAll(/\$\{\w+:singlequote\}/g, quoted);
}

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
  const now = systemClock.now();
  const judged = (score: number, label: string): string =>
    JSON.stringify({ evaluations: [{ name: 'safe', score, label, explanation: null }] });
  await store.database.insert('invocations', [
    storedCall(1, addMillis(now, -60_000), '1', {
      cost_usd: '0.1',
      input_tokens: 10,
      cache_read_tokens: 4,
      output_tokens: 5,
      latency_ms: 800,
      first_token_ms: 90,
      finish_reasons: ['stop'],
      extras: judged(1, 'pass'),
    }),
    storedCall(2, addMillis(now, -120_000), '2', { error_type: 'timeout', extras: judged(0, 'fail') }),
    storedCall(3, addMillis(now, -180_000), '', { prompt: '', attribution_kind: 'unknown' }),
  ]);
  const incidents = createIncidentLog(store.database, NO_TRAIL);
  const opened = addMillis(now, -3_600_000);
  await incidents.append(incident('a', { openedAt: opened, invocationsAffected: 2 }), 'opened', 'plumbline');
  const ended = incident('b', {
    openedAt: opened,
    status: 'resolved',
    resolvedAt: addMillis(now, -1_800_000),
    severity: 'warning',
  });
  await incidents.append(ended, 'resolved', 'plumbline');
  await createVerdictLog(store.database).append([{ judgement: judgement(), at: now }]);
});
afterAll(() => store.database.close());

describe.each(dashboards)('$name', ({ dashboard }) => {
  const panels: readonly any[] = dashboard.panels;

  test('its panels have ids and places of their own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect({ title, isTaken: taken.has(`${x} ${y}`) }).toEqual({ title, isTaken: false });
          taken.add(`${x} ${y}`);
        }
    }
  });

  test('it asks the data source that is chosen, and uses no variable that it does not have', () => {
    const { list } = dashboard.templating;
    const text = JSON.stringify({
      panels,
      annotations: dashboard.annotations,
      variables: list.map(({ query }: any) => query),
    });
    const names = new Set<string>(list.map(({ name }: any) => name));
    const used = [...text.matchAll(/\$\{?(?!__)([a-z]\w*)/g)].map(([, name = '']) => name);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
    expect([...names].filter((name) => !used.includes(name))).toEqual([]);
    const sources = new Set([...text.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid));
    expect(sources).toEqual(new Set(['${datasource}']));
  });
});

test('names and addresses of dashboards are their own', () => {
  expect(dashboards.length).toBe(3);
  for (const key of ['uid', 'title']) expect(new Set(dashboards.map(({ dashboard }) => dashboard[key])).size).toBe(3);
});

test.each(asked)('$where is answered, whatever is chosen', async ({ sql, panel }) => {
  const rows = await store.database.query<Record<string, unknown>>(filledIn(sql, 'all'));
  expect(rows.length).toBeGreaterThan(0);
  expect(Object.values(rows[0] ?? {}).some((value) => value !== null)).toBe(true);
  const some = filledIn(sql, 'some');
  expect(some).not.toMatch(/\$/);
  await store.database.query(some);
  const columns = Object.keys(rows[0] ?? {});
  const overrides: readonly any[] = panel?.fieldConfig.overrides ?? [];
  const needed = [
    ...overrides.map(({ matcher }) => matcher.options),
    ...(panel?.type === 'timeseries' ? ['time'] : []),
  ];
  expect(needed.filter((name) => !columns.includes(name))).toEqual([]);
});

test('the page has the address to which the dashboard of incidents leads', () => {
  const { dashboard } = dashboards.find(({ name }) => name === 'drift.json') as (typeof dashboards)[number];
  expect(JSON.stringify(dashboard)).toContain('${plumbline}/incidents/${__data.fields.id}');
  expect(read('dashboards/web/incident-item.js')).toContain('incidents/${encodeURIComponent(incident.id)}');
});

test('what the containers mount and name is there', () => {
  const compose = parse(read('examples/compose/dashboards.yml'));
  const base = parse(read('docker-compose.yml'));
  const services: Readonly<Record<string, any>> = compose.services;
  const mounts = Object.values(services).flatMap(({ volumes }) =>
    (volumes as readonly string[]).map((volume) => volume.split(':')),
  );
  for (const [from = ''] of mounts)
    expect([from, from.startsWith('.') ? existsSync(join(ROOT, from)) : from in compose.volumes]).toEqual([from, true]);
  const { providers } = parse(read('dashboards/grafana/provisioning/dashboards/plumbline.yaml'));
  expect(mounts.map(([, to]) => to)).toContain(providers[0].options.path);
  for (const service of Object.values(services))
    for (const other of Object.keys(service.depends_on ?? {}))
      expect(
        services[other]?.healthcheck ?? base.services[other]?.healthcheck ?? base.services[other]?.build,
      ).toBeDefined();

  const secrets = [...read('examples/compose/dashboards.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
  const told = [...read('examples/compose/dashboards.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  expect(new Set(secrets)).toEqual(new Set(told));
  const wanted = [...read('dashboards/grafana/provisioning/datasources/plumbline.yaml').matchAll(/\$(\w+)/g)].map(
    ([, name = '']) => name,
  );
  expect(wanted.filter((name) => !(name in services['grafana'].environment))).toEqual([]);
  expect(read('examples/compose/clickhouse-reader.xml')).toContain(
    `<${services['grafana'].environment.CLICKHOUSE_READER}>`,
  );
  const [{ scrape_configs: jobs }] = [parse(read('examples/prometheus/prometheus.yml'))];
  expect(jobs[0].authorization.credentials_file).toBe(`/run/secrets/${services['prometheus'].secrets[0]}`);
});
