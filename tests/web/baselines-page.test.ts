/** What a prompt's page says of what is declared of its calls, in a real browser. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { baselineStatusShape } from '../../src/http/shapes-of-baselines.ts';
import { acceptedStatus, offStatus, withinStatus } from '../support/baseline-statuses.ts';
import { shows, startBrowser, type TestBrowser } from '../support/browser.ts';
import { startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPT = 'support.intent-classifier';
let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(tempDirectory('plumbline-web-baselines'))]);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

test('where nothing was compared yet the daemon itself says so', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts/${PROMPT}`);
  await shows(page, '.table-foot', 'Nothing was compared yet.');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what is declared stands beside what is measured, with since when it is off; it fits a phone', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const statuses = [
    offStatus(),
    acceptedStatus({ version: '2' }),
    {
      ...withinStatus({ metric: 'baseline_accuracy' }),
      declared: 0.94,
      measured: { mean: 0.951, of: 40, margin: 0.02 },
    },
    { ...withinStatus({ version: '4' }), declared: 0.0000003, state: 'unknown', measured: null } as const,
  ];
  await page.route('**/api/v1/baselines?**', (route) => {
    expect(new URL(route.request().url()).searchParams.get('prompt')).toBe(PROMPT);
    return route.fulfill({ json: { data: statuses.map(baselineStatusShape), next_cursor: null } });
  });
  await page.goto(`${daemon.api}/prompts/${PROMPT}`);
  await shows(page, 'tbody tr', 'cost of a call');
  const rows = await page
    .locator('section', { hasText: 'Declared and measured' })
    .last()
    .locator('tbody tr')
    .allInnerTexts();
  expect(
    rows.map((row) =>
      row
        .replaceAll(/[■▲◆●○]|\s+/g, ' ')
        .replaceAll(/ +/g, ' ')
        .trim(),
    ),
  ).toEqual([
    'v3 production cost of a call $0.003 $0.00621 ±$0.0002 1,240 off between 2026-11-30 01:00:00 and 03:00:00 UTC (seen 2h apart)',
    'v2 production cost of a call $0.003 $0.00621 ±$0.0002 1,240 accepted between 2026-11-30 01:00:00 and 03:00:00 UTC (seen 2h apart)',
    'v3 production accuracy 0.94 0.951 ±0.02 40 within',
    'v4 production cost of a call $0.0000003 – – unknown',
  ]);
  await page.setViewportSize({ width: 390, height: 900 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('an incident about it says that the version is the same', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  await daemon.waitFor(/Prompt drift/);
  const [incident] = (await daemon.get('/api/v1/incidents')).data;
  const inFull = await daemon.get(`/api/v1/incidents/${incident.id}`);
  await page.route(`**/api/v1/incidents/${incident.id}`, (route) =>
    route.fulfill({
      json: {
        ...inFull,
        verdict: 'off_baseline',
        observed: { version: '3', hash: null, text: null },
        changed_by: null,
        diff: '--- v3 as declared\n+++ v3 as measured\n-cost of a call: $0.003\n+cost of a call: $0.006\n',
        restore_command: null,
      },
    }),
  );
  await page.goto(`${daemon.api}/incidents/${incident.id}`);
  const facts = (await shows(page, '.facts', 'off baseline')).replaceAll(/\s+/g, ' ');
  expect(facts).toContain('Version v3, the same before and since');
  expect(facts).toContain('not known: calls do not say');
  await shows(page, 'main', 'cost of a call: $0.006');
  expect(complaints()).toEqual([]);
  await page.close();
});
