/**
 * What an operator is told of Plumbline itself: a real Prometheus scrapes a real daemon, whose metrics have what the rules
 * and the dashboard ask for, and the first alert that does not get out is told.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { promtool, RULES, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
}

const rules: readonly Rule[] = parse(readFileSync(RULES, 'utf8')).groups.flatMap((group: any) => group.rules);
const dashboard = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../dashboards/grafana/plumbline.json'), 'utf8'),
);
const asked = (dashboard.panels as readonly any[]).flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }: any) => ({ title, expr: filledIn(expr), legend: legendFormat as string })),
);

function filledIn(expression: string): string {
  return expression.replaceAll('$job', 'plumbline').replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');
}

const directory = tempDirectory();
const gone = createServer((_request, response) => response.writeHead(410).end());
let daemon: Daemon;
let prometheus: TestPrometheus;

beforeAll(async () => {
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  mkdirSync(join(directory, 'prompts'));
  writeFileSync(
    join(directory, 'prompts/greeting.yaml'),
    'id: greeting\nversion: 1\nowner: support\nmodel: gpt-4o\ntags: [support]\nformat: plain\ntemplate: Greet the customer in one sentence.\n',
  );
  writeFileSync(join(directory, 'live.txt'), 'Greet the customer in one sentence.');
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `registry: [{ files: ./prompts }]
sources:
  - { name: app, type: files, environment: production, every: 1s, targets: [{ prompt: greeting, path: ./live.txt }] }
channels:
  - { name: gone, type: webhook, url: "http://127.0.0.1:${(gone.address() as AddressInfo).port}/hook" }
`,
  );
  daemon = await startDaemon(directory);
  prometheus = await startPrometheus(daemon.api);
  await sendSpans(daemon, [{ attributes: chatAttributes('Greet.', [{ role: 'user', text: 'Hi' }], 'Hello') }]);
  await eventually(async () => (await prometheus.query('plumbline_ingest_settled_total'))[0]);
});
afterAll(async () => {
  await prometheus.stop();
  await daemon.stop();
  gone.close();
});

test('the metrics are in a form that Prometheus finds nothing wrong with', async () => {
  const text = await (await fetch(`${daemon.api}/metrics`)).text();
  expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
});

test('the first alert that does not get out is told', async () => {
  const rule = rules.find(({ alert }) => alert === 'PlumblineAlertNotDelivered');
  expect(await prometheus.query(rule?.expr ?? '')).toEqual([]);
  writeFileSync(join(directory, 'live.txt'), 'Greet nobody.');
  await eventually(async () => (await prometheus.query('ALERTS{alertname="PlumblineAlertNotDelivered"}'))[0]);
});

test.each(rules)('the metrics of the rule $alert are there', async ({ expr }) => {
  await prometheus.query(expr);
  for (const name of expr.match(/plumbline_\w+(?:\{[^}]*\})?|up\{[^}]*\}/g) ?? [])
    expect({ name, found: (await prometheus.query(name)).length > 0 }).toEqual({ name, found: true });
});

test.each(asked)('the dashboard’s $title, $legend, finds what it asks for', async ({ expr, legend }) => {
  const result = await eventually(async () => {
    const samples = await prometheus.query(expr);
    return samples.length > 0 && samples;
  });
  const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  for (const label of labels) expect(result.every(({ metric }) => (metric[label] ?? '') !== '')).toBe(true);
});

/** Minutes of one series, and whether the alert fires at the last of them. */
const TIMELINES: readonly (readonly [alert: string, series: string, values: string, minute: number, fires: boolean])[] =
  [
    ['PlumblineDown', 'up', '1x5 0x4', 9, false],
    ['PlumblineDown', 'up', '1x5 0x9', 14, true],
    ['PlumblineHasProblems', 'plumbline_problems', '0x5 1x3 0x9', 14, false],
    ['PlumblineHasProblems', 'plumbline_problems', '0x5 2x9', 14, true],
    [
      'PlumblineAlertNotDelivered',
      'plumbline_deliveries_total{channel="oncall",outcome="failed"}',
      '0x9 1x9',
      14,
      true,
    ],
    [
      'PlumblineAlertNotDelivered',
      'plumbline_deliveries_total{channel="oncall",outcome="delivered"}',
      '0x9 1x9',
      14,
      false,
    ],
    ['PlumblineStoreBehind', 'plumbline_ingest_spool_bytes', '2000000000x9', 9, true],
    ['PlumblineStoreBehind', 'plumbline_ingest_spool_bytes', '500000000x9', 9, false],
    ['PlumblineSendersTurnedAway', 'plumbline_otlp_requests_total{outcome="overloaded"}', '0+9x15', 15, true],
    ['PlumblineSendersTurnedAway', 'plumbline_otlp_requests_total{outcome="accepted"}', '0+9x15', 15, false],
    ['PlumblineTelemetryPutAside', 'plumbline_ingest_quarantined_total{kind="row"}', '0x9 1x9', 14, true],
    ['PlumblineTelemetryPutAside', 'plumbline_ingest_quarantined_total{kind="row"}', '7x19', 14, false],
    ['PlumblineStoreWillBeLarge', 'plumbline_store_bytes{table="call_texts"}', '0+2000000x2000', 2000, true],
    ['PlumblineStoreWillBeLarge', 'plumbline_store_bytes{table="call_texts"}', '0+100000x2000', 2000, false],
    [
      'PlumblineCriticalIncidentUnattended',
      'plumbline_unresolved_incidents{severity="critical",status="open"}',
      '1x40',
      40,
      true,
    ],
    [
      'PlumblineCriticalIncidentUnattended',
      'plumbline_unresolved_incidents{severity="critical",status="acknowledged"}',
      '1x40',
      40,
      false,
    ],
  ];

test('each rule has a timeline in which it fires, and one in which it does not', () => {
  for (const { alert } of rules) {
    const outcomes = TIMELINES.filter(([name]) => name === alert).map(([, , , , fires]) => fires);
    expect({ alert, outcomes: new Set(outcomes) }).toEqual({ alert, outcomes: new Set([true, false]) });
  }
});

test.each(TIMELINES)('%s, of %s %s at minute %d: %s', (alert, series, values, minute, fires) => {
  const labels = `job="plumbline",instance="a"`;
  const named = series.includes('{') ? series.replace('{', `{${labels},`) : `${series}{${labels}}`;
  const file = join(directory, 'rule-test.yml');
  // `exp_alerts` has whole labels and words; so that they need not be repeated here, only whether it fires is asked.
  const count = {
    expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
    eval_time: `${minute}m`,
  };
  const expected = [{ ...count, exp_samples: [{ labels: '{}', value: fires ? 1 : 0 }] }];
  const one = { interval: '1m', input_series: [{ series: named, values }], promql_expr_test: expected };
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: [one] }));
  expect(promtool(['test', 'rules', file])).toMatchObject({ status: 0 });
});
