/** The page in the hands of somebody who looks for what went wrong: in a real browser, against the quick start. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shows, startBrowser, type TestBrowser } from '../support/browser.ts';
import { runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPT = 'support.intent-classifier';
const directory = tempDirectory('plumbline-web-responder');
let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(directory)]);
  await daemon.waitFor(/Prompt drift/);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

test('an answer of nothing says when nothing is called so, and a time that is yet to come is told', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  const ask = (query: Record<string, string>): Promise<unknown> =>
    page.goto(`${daemon.api}/at?${new URLSearchParams({ prompt: PROMPT, environment: 'production', ...query })}`);
  const now = new Date().toISOString();
  await ask({ prompt: 'support.intent-clasifier', time: now });
  await shows(page, '.doubt', 'No prompt called support.intent-clasifier is registered or watched.');
  await ask({ environment: 'prod', time: now });
  await shows(page, '.doubt', 'In an environment called prod nothing is pinned or watched; there is production.');
  await ask({ time: `${Number(now.slice(0, 4)) + 1}${now.slice(4)}` });
  await shows(page, '.doubt', /^\W*This time is \d+d.* after all that is known, which ends at \d{4}-/);
  for (const time of [now, '2020-01-01T00:00:00Z']) {
    await ask({ time });
    await shows(page, '.answer-head', PROMPT);
    expect(await page.locator('.doubt').count()).toBe(0);
  }
  expect(complaints()).toEqual([]);
  await page.close();
});

test('a prompt shows what is wrong with it, and both lead to what versions cost and how good they are', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts/${PROMPT}`);
  await shows(page, 'h2', '1 incident not resolved');
  await page.getByRole('link', { name: 'Its versions beside each other' }).click();
  await shows(page, 'tbody tr', PROMPT);
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    group_by: 'prompt,version',
    range: '30d',
    q: PROMPT,
  });
  await page.goBack();
  await page.locator('.incident .summary a').click();
  await page.getByRole('link', { name: 'cost, latency, quality by version' }).click();
  await shows(page, 'tbody tr', /support\.intent-classifier\s*unregistered [0-9a-f]{12}\s*production/);
  await page.goto(`${daemon.api}/prompts/support.reply-writer`);
  await shows(page, 'tbody tr', 'in sync');
  expect(await page.locator('.incident').count()).toBe(0);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what is not there yet is told from what is not there', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/usage`);
  await shows(page, '.sums', 'Calls');
  let letIn = (): void => {};
  const isSlow = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  await page.route('**/api/v1/**', async (route) => {
    await isSlow;
    await route.continue();
  });
  await page.getByRole('link', { name: 'Overview' }).click();
  await shows(page, 'main', 'Loading …');
  letIn();
  await shows(page, 'tbody tr', PROMPT);
  expect(await page.locator('main').innerText()).not.toContain('Loading');
  await page.getByRole('link', { name: 'Incidents', exact: true }).click();
  await page.getByLabel('Status').selectOption('unresolved');
  await shows(page, '.incident', PROMPT);
  await page.route('**/api/v1/incidents?**', (route) => setTimeout(() => void route.continue(), 1_000));
  await page.getByLabel('Status').selectOption('resolved');
  await shows(page, '[role=status]', 'Looking …');
  expect(await page.locator('.incident').count()).toBe(0);
  await shows(page, 'main', 'There are none.');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('who comes back to a long list is where they left it', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const [incident] = (await daemon.get('/api/v1/incidents')).data;
  // The daemon's own incident, made many, of which it alone can be asked about.
  const many = Array.from({ length: 40 }, (_, index) =>
    index === 30 ? incident : { ...incident, id: `0${index}`, expected: null },
  );
  await page.route('**/api/v1/incidents?**', (route) => route.fulfill({ json: { data: many, next_cursor: null } }));
  await page.getByRole('link', { name: 'Overview' }).click();
  const link = page.locator('.incident .summary a').nth(30);
  await link.click();
  await shows(page, '.facts', 'Owner');
  await page.goBack();
  await shows(page, 'h1', '40 incidents not resolved');
  expect(await page.evaluate('document.activeElement.dataset.key')).toBe(incident.id);
  expect(await page.evaluate('scrollY')).toBeGreaterThan(1_000);
  // Forward is another page, which begins at its top.
  await page.goForward();
  await shows(page, '.facts', 'Owner');
  expect(await page.evaluate('scrollY')).toBe(0);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('where several places are wrong, one command puts all back, and the page has it', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  await shows(page, 'h1', '1 incident not resolved');
  expect(await page.getByText('at once').count()).toBe(0);
  writeFileSync(join(directory, '.plumbline/quickstart/live/ticket-summary.txt'), 'Summarise.\n');
  await page.getByText('Put back all 2 places at once').click();
  const command = await page.locator('details .command code').innerText();
  expect(command).toMatch(/plumbline -- restore --open$/);
  const [, line = ''] = command.split(' -- ');
  const tried = await runPlumbline(directory, [...line.split(' '), '--dry-run', '--url', daemon.api]);
  expect(tried.stdout + tried.stderr).toMatch(/2 would write/);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('of more than are shown the worst are, and not the newest', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const [incident] = (await daemon.get('/api/v1/incidents?limit=1')).data;
  // Sixty in staging, after one in production.
  const all = Array.from({ length: 61 }, (_, index) => {
    const severity = index === 60 ? 'critical' : 'warning';
    return { ...incident, id: `0${index}`, expected: null, severity, summary: `The ${severity} one ${index}` };
  });
  await page.route('**/api/v1/incidents?**', (route) => {
    const { searchParams } = new URL(route.request().url());
    const severity = searchParams.get('severity');
    const of = all.filter((one) => severity === null || one.severity === severity);
    const limit = Number(searchParams.get('limit'));
    return route.fulfill({ json: { data: of.slice(0, limit), next_cursor: of.length > limit ? 'x' : null } });
  });
  await page.getByRole('link', { name: 'Overview' }).click();
  await shows(page, 'h1', 'More than 50 incidents not resolved');
  expect(await page.locator('.incident .summary').first().innerText()).toBe('The critical one 60');
  expect(await page.locator('.incident').count()).toBe(50);
  await shows(page, 'a', 'All incidents: shown are the 50 worst');
  expect((await daemon.get('/api/v1/incidents?status=unresolved&severity=info')).data).toEqual([]);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('the overview says what is wrong with the daemon itself, which verdicts may be old for', async () => {
  const place = tempDirectory('plumbline-web-problems');
  const targets = '[{ prompt: p, path: ./gone/p.txt }]';
  writeFileSync(
    join(place, 'plumbline.yaml'),
    `sources: [{ name: away, type: files, environment: production, every: 1s, targets: ${targets} }]\n`,
  );
  const troubled = await startDaemon(place);
  try {
    const { page, complaints } = await browser.open(troubled.api);
    await shows(page, '.banner', 'The source away gives no answer.');
    expect(complaints()).toEqual([]);
    await page.close();
  } finally {
    await troubled.stop();
  }
});
