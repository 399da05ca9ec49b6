/** A version whose text was rewritten after it was pinned: the time machine and its page tell the two texts apart. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/lib/hash.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const POLITE = 'Answer politely.\n';
const RUDE = 'Answer rudely.\n';
const directory = tempDirectory('plumbline-rewritten');
let browser: TestBrowser;
let daemon: Daemon;

function register(text: string): void {
  const head = 'id: support.tone\nversion: 1\nowner: support\nmodel: gpt-5-mini\ntags: [tone]\nformat: plain\n';
  writeFileSync(join(directory, 'prompts/v1.yaml'), `${head}template: |\n  ${text}`);
}

beforeAll(async () => {
  mkdirSync(join(directory, 'prompts'));
  register(POLITE);
  writeFileSync(join(directory, 'live.txt'), POLITE);
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    'registry: [{ files: ./prompts }]\nlock: ./prompts.lock.yaml\nsources:\n  - name: app\n    type: files\n    environment: production\n    every: 1s\n    targets: [{ prompt: support.tone, path: ./live.txt }]\n',
  );
  await runPlumbline(directory, ['lock']);
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(directory)]);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

async function verdict(wanted: string): Promise<void> {
  await eventually(async () => (await daemon.get('/api/v1/targets')).data[0]?.verdicts[0]?.verdict === wanted);
}

/** What the page says of the text that is held, and what the API says was intended. */
async function answerNow(): Promise<{ readonly held: string; readonly intended: { hash: string; text: string } }> {
  const query = new URLSearchParams({
    prompt: 'support.tone',
    environment: 'production',
    time: new Date().toISOString(),
  });
  const { page } = await browser.open(`${daemon.api}/at?${query}`);
  const section = page.locator('.timelines section').filter({ hasText: 'what polls saw' });
  await section.getByText('app/support.tone').waitFor();
  const held = await section.innerText();
  await page.close();
  return { held, intended: (await daemon.get(`/api/v1/at?${query}`)).intended };
}

test('the text that came under the name of a pinned version is not what was intended, until it is pinned itself', async () => {
  await verdict('in_sync');
  expect((await answerNow()).held).toContain('as intended');
  register(RUDE);
  writeFileSync(join(directory, 'live.txt'), RUDE);
  await verdict('registry_tampered');
  const rewritten = await answerNow();
  expect(rewritten.held).toContain('not what was intended');
  expect(rewritten.intended).toMatchObject({ hash: sha256(POLITE), text: POLITE });
  await runPlumbline(directory, ['lock']);
  await verdict('in_sync');
  const pinned = await answerNow();
  expect(pinned.held).not.toContain('not what was intended');
  expect(pinned.intended).toMatchObject({ hash: sha256(RUDE), text: RUDE });
}, 120_000);
