/** The page of usage in a real browser, against the real daemon of the quick start. */

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shows, startBrowser, type TestBrowser } from '../support/browser.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(tempDirectory('plumbline-web-usage'))]);
  await eventually(async () => {
    const { data } = await daemon.get('/api/v1/usage?group_by=prompt');
    return data.length >= 4;
  });
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

const count = (page: Page, selector: string): Promise<number> => page.locator(selector).count();

test('usage is grouped, sorted, added up, and saved as it is shown', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/usage`);
  await shows(page, 'tbody tr', 'billing.refund-policy');
  await page.getByLabel('Version').uncheck();
  await page.getByLabel('Model').check();
  await shows(page, 'tbody tr', /support\.intent-classifier\s*gpt-4o-mini/);
  expect(new URL(page.url()).searchParams.get('group_by')).toBe('prompt,model');
  await page.getByRole('button', { name: 'Prompt', exact: true }).click();
  expect(await page.locator('th[aria-sort]').innerText()).toMatch(/^Prompt/);
  const prompts = await page.locator('tbody th').allInnerTexts();
  expect(prompts).toEqual(prompts.toSorted());

  await page.getByLabel('Filter rows').fill('gpt-4o-mini');
  const shown = await count(page, 'tbody tr');
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByText(`Download CSV (${shown} row`).click(),
  ]);
  const [head, ...lines] = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(head).toBe(
    'prompt,model,calls,errors,input_tokens,cache_read_tokens,output_tokens,cost_usd,unpriced_calls,latency_ms_p50,latency_ms_p95,' +
      'cache_write_tokens,reasoning_tokens,latency_ms_p99,first_token_ms_p50,first_token_ms_p95,first_token_ms_p99,web_searches,ended_stop',
  );
  expect(lines).toHaveLength(shown);
  expect(lines[0]).toMatch(/^[\w.-]+,gpt-4o-mini[\w-]*,\d+,0,\d+,0,\d+,0\.\d+,0,[\d.]+,[\d.]+,0,0,[\d.]+,,,,0,\d+$/);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('usage shows tokens that have prices of their own, and saves them, where there are some', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const { data } = await daemon.get('/api/v1/usage?group_by=prompt&from=2020-01-01T00:00:00Z');
  // The daemon's own answer, as if one prompt were spoken.
  const spoken = [{ ...data[0], token_parts: { output_audio: 300, input_audio: 1_200 } }, ...data.slice(1)];
  await page.route('**/api/v1/usage?*', (route) => route.fulfill({ json: { data: spoken, next_cursor: null } }));
  await page.getByRole('link', { name: 'Usage' }).click();
  expect(await shows(page, '.sums div', 'of them input audio')).toMatch(/1,200$/);
  expect(await shows(page, '.sums div', 'of them output audio')).toMatch(/300$/);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByText('Download CSV').click()]);
  const [head, ...lines] = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(head).toMatch(/,web_searches,input_audio_tokens,output_audio_tokens,ended_stop$/);
  expect(lines.filter((line) => /,1200,300,\d+$/.test(line))).toHaveLength(1);
  expect(lines.filter((line) => /,0,0,\d+$/.test(line))).toHaveLength(data.length - 1);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('usage shows how calls ended and were judged, by the days of the reader, and saves it', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const { data } = await daemon.get('/api/v1/usage?group_by=prompt&from=2020-01-01T00:00:00Z');
  const evaluations = {
    helpful: { count: 40, scored: 40, mean_score: 0.8125, score_deviation: 0.2, labels: {} },
    safe: { count: 50, scored: 0, mean_score: null, score_deviation: null, labels: { fail: 1, pass: 49 } },
  };
  // The daemon's own answer, as if one prompt were judged.
  const judged = [
    { ...data[0], calls: 80, finish_reasons: { length: 4, stop: 76 }, evaluations },
    ...data.slice(1).map((row: object) => ({ ...row, calls: 19, finish_reasons: {}, evaluations: {} })),
  ];
  const asked: (string | null)[] = [];
  let isJudged = true;
  await page.route('**/api/v1/usage?*', (route) => {
    asked.push(new URL(route.request().url()).searchParams.get('timezone'));
    return route.fulfill({ json: { data: isJudged ? judged : judged.slice(1), next_cursor: null } });
  });
  await page.getByRole('link', { name: 'Usage' }).click();
  await shows(page, 'tbody tr', 'stop 95.0%, length 5.0%');
  await shows(page, 'tbody tr', 'helpful 0.813 (of 40), safe 98.0% pass (of 50)');
  // p95 of fewer than 20 calls is marked.
  const p95 = await page.locator('tbody td[data-label="p95"]').allInnerTexts();
  expect(p95.filter((words) => !words.startsWith('~'))).toHaveLength(1);
  expect(p95).toHaveLength(data.length);
  const heads = (): Promise<string[]> => page.locator('thead th:visible').allInnerTexts();
  expect((await heads()).slice(-2)).toEqual(['Ended by', 'Judged']);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByText('Download CSV').click()]);
  const [head, ...lines] = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(head).toMatch(
    /,web_searches,ended_length,ended_stop,judged_helpful,judged_helpful_mean_score,judged_safe,judged_safe_mean_score,judged_safe_fail,judged_safe_pass$/,
  );
  expect(lines.filter((line) => line.endsWith(',4,76,40,0.8125,50,,1,49'))).toHaveLength(1);
  await page.goto(`${daemon.api}/usage?group_by=day&timezone=Asia/Kolkata`);
  await eventually(async () => asked.at(-1) === 'Asia/Kolkata');
  await page.getByLabel('Days of').selectOption('UTC');
  await eventually(async () => asked.at(-1) === 'UTC');
  expect(new URL(page.url()).searchParams.has('timezone')).toBe(false);

  // What says nothing of any row takes no room.
  isJudged = false;
  await page.getByLabel('Prompt', { exact: true }).check();
  await eventually(async () => (await heads()).at(-1) === 'p95');
  expect(await page.locator('tbody tr').first().locator('td:visible').last().getAttribute('data-label')).toBe('p95');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('usage shows what the registry declares of versions beside what their calls show, and saves it', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const { data } = await daemon.get('/api/v1/usage?group_by=prompt,version&from=2020-01-01T00:00:00Z');
  const classifier = data.find((row: any) => row.prompt === 'support.intent-classifier' && row.version === '1');
  expect(classifier.baselines.cost_per_call_usd).toMatchObject({ declared: 0.0003, of: expect.any(Number) });
  // The daemon's own answer, as if calls had been judged.
  const judged = { declared: 0.94, measured: 0.913, of: 40, margin: 0.0491 };
  const baselines = { ...classifier.baselines, baseline_accuracy: judged };
  await page.route('**/api/v1/usage?*', (route) =>
    route.fulfill({ json: { data: [{ ...classifier, baselines }], next_cursor: null } }),
  );
  await page.getByRole('link', { name: 'Usage' }).click();
  await shows(page, 'tbody td[data-label="Declared"]', 'accuracy 0.94 (is 0.913 ±0.0491 of 40)');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByText('Download CSV').click()]);
  const [head = '', line = ''] = readFileSync(await file.path(), 'utf8').split('\r\n');
  expect(head).toMatch(/,declared_baseline_accuracy,declared_cost_per_call_usd$/);
  expect(line).toMatch(/,0\.94,0\.0003$/);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what answers another question is not shown, nor saved, while the daemon adds up', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/usage?range=24h`);
  await shows(page, '.sums', 'Calls');
  await shows(page, 'p', /^Calls that began from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC until now\.$/);
  let letIn = (): void => {};
  const isSlow = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  await page.route('**/api/v1/usage?*', async (route) => {
    await isSlow;
    await route.continue();
  });
  await page.getByLabel('Range').selectOption('30d');
  await shows(page, '[role=status]', 'Adding up …');
  expect(await page.locator('.sums, table, button:has-text("CSV")').filter({ visible: true }).count()).toBe(0);
  letIn();
  await page.locator('.sums').waitFor();
  expect(await page.getByText('Adding up …').isVisible()).toBe(false);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('a range that ends before it begins is told beside the fields, which stay', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/usage?from=2026-11-20&to=2026-11-21`);
  await shows(page, 'p', 'Calls that began from 2026-11-20 00:00:00 UTC until 2026-11-21 00:00:00 UTC.');
  await page.locator('input[name=from]').fill('2026-11-25 08:00');
  await page.keyboard.press('Tab');
  await shows(page, '[role=status]', 'The range ends before it begins.');
  await page.locator('input[name=to]').fill('2026-11-26 08:00+02:00');
  await page.keyboard.press('Tab');
  await shows(page, 'p', 'Calls that began from 2026-11-25 08:00:00 UTC until 2026-11-26 06:00:00 UTC.');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what is not priced is not free, and versions are compared by the cost of a call', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const { data } = await daemon.get('/api/v1/usage?group_by=prompt,version&from=2020-01-01T00:00:00Z');
  const row = {
    ...data[0],
    prompt: 'a',
    calls: 1_000,
    errors: 25,
    evaluations: {},
    finish_reasons: { stop: 900, length: 75 },
  };
  const rows = [
    { ...row, version: '1', cost_usd: '4.5', unpriced_calls: 100 },
    { ...row, version: '2', cost_usd: '6', unpriced_calls: 900 },
    { ...row, version: '3', cost_usd: '0', unpriced_calls: 1_000 },
    { ...row, version: '4', cost_usd: '0', unpriced_calls: 0 },
  ];
  await page.route('**/api/v1/usage?*', (route) => route.fulfill({ json: { data: rows, next_cursor: null } }));
  await page.getByRole('link', { name: 'Usage' }).click();
  await shows(page, 'tbody tr', /v1\s*1,000\s*25 2\.5%.*\$4\.50\s*\$0\.0050\s*100/);
  await shows(page, 'tbody tr', /v2.*\$6\.00\s*\$0\.0600\s*900/);
  await shows(page, 'tbody tr', /v3.*not priced\s*–\s*1,000/);
  await shows(page, 'tbody tr', /v4.*\$0\s*\$0\s*0/);
  expect(await page.locator('.sums').innerText()).toContain('$10.50 without 2,000 unpriced calls');
  await page.getByRole('button', { name: 'a call' }).click();
  const versions = (): Promise<string[]> => page.locator('tbody td:nth-child(2)').allInnerTexts();
  expect(await versions()).toEqual(['v2', 'v1', 'v4', 'v3']);

  // The order is in the address, as the filter is.
  expect(new URL(page.url()).searchParams.get('sort')).toBe('-cost_of_call');
  await page.reload();
  await shows(page, 'th[aria-sort=descending]', 'a call');
  expect(await versions()).toEqual(['v2', 'v1', 'v4', 'v3']);
  await page.getByLabel('Filter rows').fill('3');
  expect(await page.locator('.sums').innerText()).toContain('not priced');

  // How calls ended has room on a laptop's screen.
  await page.setViewportSize({ width: 1400, height: 900 });
  const box = await page.locator('tbody td:visible').last().boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(1_400);
  expect(box?.width).toBeGreaterThan(100);
  expect(complaints()).toEqual([]);
  await page.close();
});
