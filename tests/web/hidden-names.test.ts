/** Names on the web page: what hides or reorders text is told by its number wherever it stands, as in prompts. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatAttributes, tracesBody } from '../ingest/harness.ts';
import { shows, startBrowser, type TestBrowser } from '../support/browser.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const PROMPT = 'support.router';
const ENVIRONMENT = 'prod\u202Eeu';
const SERVICE = 'svc\u2066\u0000x';
const CONFIGURATION = `registry: [{ files: ./prompts }]
sources:
  - { name: app, type: files, environment: "prod\\u202Eeu", every: 1s, targets: [{ prompt: ${PROMPT}, path: ./live.txt }] }
`;
const REGISTERED = `id: ${PROMPT}
version: 1
owner: "team \\u202Ekcatta"
model: "m\\u200Bodel"
tags: ["t\\u2067ag"]
template: Say where it goes.
`;
let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  const directory = tempDirectory('plumbline-web-names');
  mkdirSync(join(directory, 'prompts'));
  writeFileSync(join(directory, 'plumbline.yaml'), CONFIGURATION);
  writeFileSync(join(directory, 'prompts', 'router.yaml'), REGISTERED);
  writeFileSync(join(directory, 'live.txt'), 'Nobody registered this.');
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(directory)]);
  const attributes = chatAttributes('x', [{ role: 'user', text: 'y' }], 'z');
  const body = new Uint8Array(tracesBody([{ service: SERVICE, environment: ENVIRONMENT, attributes }]));
  const headers = { 'content-type': 'application/json' };
  await fetch(`${daemon.otlp}/v1/traces`, { method: 'POST', headers, body });
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

test('owners, tags, models, environments and services show what hides in them', async () => {
  const incident = await eventually(async () => (await daemon.get('/api/v1/incidents')).data[0]?.id);
  await eventually(async () => (await daemon.get('/api/v1/usage?group_by=service')).data.length > 0);
  const views: readonly (readonly [path: string, shown: readonly string[]])[] = [
    ['/', ['prod<U+202E>eu']],
    [`/incidents/${incident}`, ['prod<U+202E>eu', 'team <U+202E>kcatta']],
    ['/prompts', ['team <U+202E>kcatta']],
    [`/prompts/${PROMPT}`, ['team <U+202E>kcatta', 't<U+2067>ag', 'm<U+200B>odel', 'prod<U+202E>eu']],
    ['/usage?group_by=service,environment', ['svc<U+2066><U+0000>x', 'prod<U+202E>eu']],
  ];
  for (const [path, shown] of views) {
    const { page, complaints } = await browser.open(`${daemon.api}${path}`);
    for (const words of shown) await shows(page, 'main', words);
    const texts = await page.evaluate<string>('document.title + document.body.textContent');
    // oxlint-disable-next-line no-control-regex
    expect(texts, path).not.toMatch(/[\u0000\u200B\u202E\u2066\u2067]/);
    expect(complaints()).toEqual([]);
    await page.close();
  }
});
