/** What a prompt's page says of its outputs, in a real browser: what changed, with examples that are text only. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutputStatus } from '../../src/contract/output-log.ts';
import { outputStatusShape } from '../../src/http/shapes-of-outputs.ts';
import { shows, startBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { startDaemon, type Daemon } from '../support/daemon.ts';
import { changedStatus, EXAMPLE_TEXTS, learningStatus, watchingStatus } from '../support/output-statuses.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPT = 'support.intent-classifier';
let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(tempDirectory('plumbline-web-outputs'))]);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

/** The prompt's page where the daemon says this of its outputs. */
async function open(statuses: readonly OutputStatus[]): Promise<TestPage> {
  const opened = await browser.open(`${daemon.api}/prompts`);
  const { page } = opened;
  const alarm = Math.log10(720_000);
  const textOf = ({ traceId }: { traceId: string }): string | null => EXAMPLE_TEXTS.get(traceId) ?? null;
  const data = statuses.map((status) => outputStatusShape(status, alarm, textOf));
  await page.route('**/api/v1/outputs?**', (route) => {
    expect(new URL(route.request().url()).searchParams.get('prompt')).toBe(PROMPT);
    return route.fulfill({ json: { data, next_cursor: null } });
  });
  await page.goto(`${daemon.api}/prompts/${PROMPT}`);
  return opened;
}

test('outputs that nobody has looked at are said to be so, by the daemon itself', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts/${PROMPT}`);
  await shows(page, '.table-foot', 'No outputs were looked at yet.');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('each series has its state, and a changed one what changed, with examples of before and since', async () => {
  const { page, complaints } = await open([
    changedStatus(),
    watchingStatus({ version: '2' }),
    learningStatus({ version: '3', model: '' }),
  ]);
  const rowOf = async (version: string) =>
    (await shows(page, 'tbody tr', new RegExp(`^v${version}\\b`))).split(/\s*\n\s*|\t/);
  expect((await shows(page, '.table', 'compared with')).replaceAll(/\s+/g, ' ')).toContain(
    'compared with 812 outputs from 2026-11-20 00:00:00 UTC to 2026-11-27 00:00:00 UTC: as much difference comes by chance once in 32 hours (an alarm is at 720,000 hours)',
  );
  expect(await rowOf('3')).toEqual(expect.arrayContaining(['–', 'production']));
  const change = await shows(page, '.output-change', 'v1, gpt-5, production');
  expect(change.replaceAll(/\s+/g, ' ')).toMatch(/length in characters 821 4 wording – –/);
  expect(change).toContain('between 2026-11-30 22:00:00 and 23:00:00 UTC (seen 1h apart)');
  expect(change).toContain('What was asked changed too');
  const [before = '', since = ''] = await page.locator('.examples > div').allInnerTexts();
  expect(before).toMatch(/Before, of 812 outputs[^]*of four[^]*Its text is not kept\./);
  expect(since).toMatch(/Since, of 64 outputs[^]*Yes\.<U\+202E>/);
  expect(complaints()).toEqual([]);
  await page.close();
});

test.each(['light', 'dark'] as const)('it fits a phone and a desk, %s', async (colorScheme) => {
  const { page, complaints } = await open([
    changedStatus({ model: 'a-model-with-a-name-that-is-long-enough-to-be-in-the-way' }),
  ]);
  await page.emulateMedia({ colorScheme });
  for (const width of [390, 1_280]) {
    await page.setViewportSize({ width, height: 900 });
    await shows(page, '.output-change', 'length in characters');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const boxes = await Promise.all([0, 1].map((at) => page.locator('.examples > div').nth(at).boundingBox()));
    const [before, since] = boxes.map((box) => box ?? { x: 0, y: 0 });
    // Beside each other where there is room.
    expect([before!.x < since!.x, before!.y < since!.y]).toEqual(width === 390 ? [false, true] : [true, false]);
  }
  expect(complaints()).toEqual([]);
  await page.close();
});

test('an incident about outputs says that the version is the same, and what is different', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  await daemon.waitFor(/Prompt drift/);
  const [incident] = (await daemon.get('/api/v1/incidents')).data;
  const inFull = await daemon.get(`/api/v1/incidents/${incident.id}`);
  await page.route(`**/api/v1/incidents/${incident.id}`, (route) =>
    route.fulfill({
      json: {
        ...inFull,
        verdict: 'output_drift',
        expected: null,
        observed: { version: '3', hash: null, text: null },
        changed_by: null,
        diff: '--- answers before\n+++ answers since\n-length in characters: 821\n+length in characters: 4\n',
        evidence: [{ kind: 'output_feature', words: 'length in characters: 821 before, 4 since' }],
        restore_command: null,
      },
    }),
  );
  await page.goto(`${daemon.api}/incidents/${incident.id}`);
  const facts = (await shows(page, '.facts', 'output drift')).replaceAll(/\s+/g, ' ');
  expect(facts).toContain('Version v3, the same before and since');
  expect(facts).toContain('not known: whoever serves the model does not say');
  await shows(page, 'main', 'length in characters: 4');
  await shows(page, '.evidence', 'output feature');
  expect(complaints()).toEqual([]);
  await page.close();
});
