/** Questions in SQL in a real browser, against the real daemon of the quick start. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shows, startBrowser, type TestBrowser } from '../support/browser.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(tempDirectory('plumbline-web-sql'))]);
  await eventually(async () => (await daemon.get('/api/v1/usage?group_by=prompt')).data.length >= 4);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

test('every example is answered, and the answer is sorted and saved as it is shown', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/`);
  await page.getByRole('link', { name: 'SQL' }).click();
  const examples = page.locator('.actions').first().getByRole('button');
  expect(await examples.count()).toBe(5);
  for (const example of await examples.all()) {
    await example.click();
    await page.getByRole('button', { name: 'Ask' }).click();
    await shows(page, '[role=status]', /\d+ rows? in \d+ ms/);
    expect(await page.locator('.bad-words').count()).toBe(0);
  }

  await examples.first().click();
  await page.getByLabel('Question').press('Control+Enter');
  await shows(page, 'tbody tr', 'support.intent-classifier');
  expect(await page.locator('thead th').allInnerTexts()).toEqual(['prompt', 'version', 'calls', 'usd', 'p95_ms']);
  await page.getByRole('button', { name: 'calls', exact: true }).click();
  const calls = (await page.locator('tbody tr td:nth-child(3)').allInnerTexts()).map(Number);
  expect(calls.length).toBeGreaterThanOrEqual(4);
  expect(calls).toEqual(calls.toSorted((a, b) => b - a));
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByText('Download CSV').click()]);
  const [head, ...lines] = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(head).toBe('prompt,version,calls,usd,p95_ms');
  expect(lines.map((line) => Number(line.split(',')[2]))).toEqual(calls);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('an address brings the question, which is asked only when somebody says so', async () => {
  const query = "SELECT 'a\u202Eb' AS hidden, NULL AS nothing, [1, 2] AS list";
  const { page, complaints } = await browser.open(`${daemon.api}/sql?query=${encodeURIComponent(query)}`);
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/v1/sql')) asked.push(request.postData() ?? '');
  });
  await shows(page, 'h1', 'Ask in SQL');
  expect(await page.getByLabel('Question').inputValue()).toBe(query);
  await page.waitForTimeout(300);
  expect(asked).toEqual([]);
  await page.getByRole('button', { name: 'Ask' }).click();
  expect(await shows(page, 'tbody tr', 'U+202E')).toMatch(/^a<U\+202E>b\s+–\s+\[1,2\]$/);
  expect(asked).toHaveLength(1);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what is wrong with a question stands below it, and it can be mended', async () => {
  const { page, complaints } = await browser.open(
    `${daemon.api}/sql?query=${encodeURIComponent('SELECT nothing FROM calls')}`,
  );
  await page.getByRole('button', { name: 'Ask' }).click();
  await shows(page, '.bad-words', 'Unknown expression identifier `nothing`');
  await page.getByLabel('Question').fill('DROP TABLE invocations');
  await page.getByRole('button', { name: 'Ask' }).click();
  await shows(page, '[role=status]', 'Only questions are answered');
  await page.getByLabel('Question').fill('SELECT count() AS calls FROM calls WHERE 0');
  await page.getByRole('button', { name: 'Ask' }).click();
  expect(await shows(page, 'tbody tr', '0')).toBe('0');
  expect(new URL(page.url()).searchParams.get('query')).toBe('SELECT count() AS calls FROM calls WHERE 0');
  expect(complaints(/400/)).toEqual([]);
  await page.close();
});
