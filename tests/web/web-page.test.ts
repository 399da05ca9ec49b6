/** The web page in a real browser, against real daemons: the quick start, and one that asks for keys. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shows, startBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory('plumbline-web');
const guarded = tempDirectory('plumbline-web-keys');
let browser: TestBrowser;
let daemon: Daemon;

beforeAll(async () => {
  [browser, daemon] = await Promise.all([startBrowser(), startDaemon(directory)]);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), daemon?.stop()]);
});

const count = (page: Page, selector: string): Promise<number> => page.locator(selector).count();

test('an address that is none is said to be none, with a way on; one with a slash at its end is one', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/incident/1`);
  await shows(page, 'main', 'There is no such page.');
  await page.getByRole('link', { name: 'To the overview' }).click();
  await shows(page, 'main', 'Targets');
  expect(complaints(/404/)).toEqual([]);
  await page.goto(`${daemon.api}/prompts/`);
  await shows(page, 'main', 'support.intent-classifier');
  await page.close();
});

describe('what is wrong', () => {
  let tab: TestPage;
  let page: Page;
  beforeAll(async () => {
    tab = await browser.open(daemon.api);
    page = tab.page;
  });
  afterAll(() => page.close());

  test('the overview shows the incident by itself, after the edit, and every target with its verdict', async () => {
    const incident = await shows(page, '.incident.critical', 'support.intent-classifier in production was edited');
    expect(incident).toMatch(/changed (at|between) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
    await shows(page, 'h1', '1 incident not resolved');
    expect(await page.title()).toBe('1 incident · Overview · Plumbline');

    const row = await shows(page, 'tbody tr', 'support-desk-config/support.intent-classifier');
    expect(row).toMatch(
      /production\s+■?\s*edited\s+v1 644e02b9178e\s+unregistered text [0-9a-f]{12}\s+(just now|\d+s ago)/,
    );
    expect(await page.locator('.count').allInnerTexts()).toEqual([
      expect.stringMatching(/1\s+■?\s*edited/),
      expect.stringMatching(/3\s+●?\s*in sync/),
    ]);
  });

  test('targets can be chosen by verdict and by words, and the choice is in the address', async () => {
    await page.getByRole('button', { name: '3 in sync' }).click();
    expect(await count(page, 'tbody tr')).toBe(3);
    await page.getByLabel('Filter targets').fill('refund');
    expect(await count(page, 'tbody tr')).toBe(1);
    expect(page.url()).toBe(`${daemon.api}/?verdict=in_sync&q=refund`);
    await page.reload();
    await shows(page, 'tbody tr', 'billing.refund-policy');
    expect(await count(page, 'tbody tr')).toBe(1);
  });

  test('the incident says what differs, since when, how we know, who was told and how to put it back', async () => {
    await page.locator('.incident .summary a').click();
    await shows(page, 'h1', 'support.intent-classifier in production was edited');
    expect(page.url()).toMatch(/\/incidents\/[0-9a-f]+$/);
    expect(await shows(page, '.line.removed', 'Never invent a new intent')).toMatch(/^−/);
    expect(await shows(page, '.line.added', 'the intent that sounds best')).toMatch(/^\+/);
    await shows(page, '.facts', 'support-platform');
    await shows(page, '.evidence', 'no registered version has this text');
    await shows(page, 'tbody tr', /opened\s*terminal\s*●\s*delivered/);
    const command = await shows(page, '.command code', 'restore support-desk-config/support.intent-classifier');
    expect(daemon.printed()).toContain(command);
  });

  test('the address of an alert opens it directly; one that is gone says so', async () => {
    await page.reload();
    await shows(page, '.line.added', 'the intent that sounds best');
    await page.goto(`${daemon.api}/incidents/0000`);
    expect(await shows(page, 'main', 'The incident 0000 does not exist.')).toContain('To the overview');
    await page.goBack();
    await shows(page, '.line.added', 'the intent that sounds best');
  });

  test('acknowledging and snoozing reach the daemon, and are said', async () => {
    const id = page.url().split('/').at(-1);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await shows(page, '.status', 'Acknowledged by local');
    expect(await page.locator('#announcement').innerText()).toBe('Acknowledged.');
    expect(await daemon.get(`/api/v1/incidents/${id}`)).toMatchObject({
      status: 'acknowledged',
      acknowledged_by: 'local',
    });
    await page.getByRole('button', { name: 'Snooze 1 h' }).click();
    await shows(page, '.status', 'Snoozed until');
    expect(await daemon.get(`/api/v1/incidents/${id}`)).toMatchObject({ status: 'snoozed' });
  });

  test('everything was clean, apart from the incident that does not exist', () => {
    expect(tab.complaints(/404/)).toEqual([]);
  });
});

test('a prompt shows its versions, pins, places and usage', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  await page.getByRole('link', { name: 'support.reply-writer' }).click();
  await shows(page, '.version', /v2\s+pinned in production/);
  await shows(page, '.version', 'v1');
  expect(await page.locator('.version h3').allInnerTexts()).toEqual(['v2 pinned in production', 'v1']);
  await shows(page, 'tbody tr', 'support-desk-config/support.reply-writer');
  await shows(page, 'section', /Usage in the last 24 hours[\s\S]+v2/);
  await page.locator('summary').first().click();
  await shows(page, '.prompt-text', 'Never reveal account numbers');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('what was active at a time: three answers with evidence, under an address that gives the same again', async () => {
  await daemon.waitFor(/Prompt drift/);
  const { page, complaints } = await browser.open(`${daemon.api}/at`);
  await page.getByLabel('Prompt').fill('support.intent-classifier');
  await page.getByRole('button', { name: 'Now' }).click();
  await page.getByRole('button', { name: 'Ask' }).click();
  await shows(page, '.timelines > section:nth-child(1)', /Intended[\s\S]+v1[\s\S]+pinned to v1 by lockfile/);
  await shows(
    page,
    '.timelines > section:nth-child(2)',
    /Held[\s\S]+unregistered text[\s\S]+not what was intended[\s\S]+polls/,
  );
  await shows(page, '.timelines > section:nth-child(3)', /Used[\s\S]+support-desk, \d+ calls?/);
  expect(new URL(page.url()).searchParams.get('environment')).toBe('production');

  const answer = await page.locator('.timelines').innerText();
  const citation = await page.locator('.command code').innerText();
  expect(new URL(citation).searchParams.get('known_at')).toMatch(/Z$/);
  await shows(page, 'main', /gives the same answer later\. What was used is in it as long as calls are kept\./);
  await page.goto(citation);
  await shows(page, 'main', 'Ask again with what is known now');
  expect(await page.locator('.timelines').innerText()).toBe(answer);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('who asks before the page knows the environments gets the answer when it does', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  let letIn = (): void => {};
  const isSlow = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  await page.route('**/api/v1/targets?**', async (route) => {
    await isSlow;
    await route.continue();
  });
  await page.getByRole('link', { name: 'At a time' }).click();
  await page.getByLabel('Prompt').fill('support.intent-classifier');
  await page.getByRole('button', { name: 'Now' }).click();
  await page.getByRole('button', { name: 'Ask' }).click();
  letIn();
  await shows(page, '.timelines > section:nth-child(1)', /Intended[\s\S]+v1/);
  expect(new URL(page.url()).searchParams.get('environment')).toBe('production');
  expect(complaints()).toEqual([]);
  await page.close();
});

test('ten thousand targets are two hundred rows until somebody wants more', async () => {
  const { page, complaints } = await browser.open(`${daemon.api}/prompts`);
  const { data } = await daemon.get('/api/v1/targets');
  // The daemon's own answer, made long.
  const many = Array.from({ length: 10_000 }, (_, index) => ({
    ...data[1],
    id: `place/${String(index).padStart(5, '0')}`,
  }));
  await page.route('**/api/v1/targets?**', (route) => {
    const query = new URL(route.request().url()).searchParams;
    const from = Number(query.get('cursor') ?? 0);
    const next = from + Number(query.get('limit'));
    return route.fulfill({
      json: { data: many.slice(from, next), next_cursor: next < many.length ? String(next) : null },
    });
  });
  await page.getByRole('link', { name: 'Overview' }).click();
  await shows(page, '.table-foot', '200 of 10,000 targets');
  expect(await count(page, 'tbody tr')).toBe(200);
  await page.getByRole('button', { name: 'Show 200 more' }).click();
  expect(await count(page, 'tbody tr')).toBe(400);
  await page.getByLabel('Filter targets').fill('09999');
  expect(await page.locator('tbody th').allInnerTexts()).toEqual(['place/09999']);
  expect(complaints()).toEqual([]);
  await page.close();
});

test('a new incident is announced, and markup and hidden characters in it are text', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  await shows(page, 'h1', '1 incident not resolved');
  const live = join(directory, '.plumbline/quickstart/live/ticket-summary.txt');
  const hostile = '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2"> \u202Eevil';
  writeFileSync(
    live,
    readFileSync(live, 'utf8').replace('Write three short lines', `${hostile} Write three short lines`),
  );
  const incident = await eventually(async () => {
    const { data } = await daemon.get('/api/v1/incidents?status=unresolved&prompt=support.ticket-summary');
    return data[0];
  });
  await shows(page, '#announcement', '2 incidents not resolved');
  await page.locator(`a[href$="${incident.id}"]`).click();
  await shows(page, '.line.added', '</script><img src=x onerror="window.pwned =');
  await shows(page, '.line.added', '<U+202E>evil');
  await page.locator('summary').click();
  await shows(page, '.prompt-text', '<script>window.pwned = 1</script>');
  await shows(page, '.prompt-text', '<U+202E>evil');
  expect(await count(page, 'main script, main img')).toBe(0);
  expect(await page.evaluate('window.pwned')).toBeUndefined();
  const facts = await page.locator('.facts').first().innerText();
  expect(facts).toMatch(/Calls affected\s+(none seen|at least \d+) so far/);
  expect(facts).not.toContain('First changed');
  // Another edit is the same problem, which is as old as before.
  writeFileSync(live, readFileSync(live, 'utf8').replace('evil', 'worse'));
  await shows(page, '.line.added', '<U+202E>worse');
  const words = /(at|between) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
  await shows(page, '.facts', new RegExp(`First changed\\s*${words.source}`));
  await shows(page, '.evidence', new RegExp(`before, it was edited, changed ${words.source}`));
  await page.goto(daemon.api);
  await shows(page, '.incident', new RegExp(`changed ${words.source}.*, again ${words.source}`));
  expect(complaints()).toEqual([]);
  await page.close();
});

test('it can be used by keyboard', async () => {
  const { page, complaints } = await browser.open(daemon.api);
  await shows(page, 'tbody tr', 'support.intent-classifier');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.id')).toBe('skip');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  expect(page.url()).toBe(`${daemon.api}/`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await shows(page, '.facts', 'Owner');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
  expect(complaints()).toEqual([]);
  await page.close();
});

describe('the files', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(daemon.api + path, { headers });

  test('are cached by their tag, and forbid what the page does not need', async () => {
    const first = await get('/assets/app.js');
    expect(first.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(first.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const again = await get('/assets/app.js', { 'if-none-match': first.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
  });

  test.each(['/assets/types.d.ts', '/assets/tsconfig.json', '/assets/..%2F..%2Fpackage.json', '/assets/', '/incident'])(
    '%s is not among them',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    },
  );

  test('find their way from any depth, so that a proxy may put them below any path', async () => {
    for (const [path, base] of [
      ['/', './'],
      ['/at?prompt=a/b', './'],
      ['/incidents/1', '../'],
      ['/prompts/a%2Fb', '../'],
    ] as const) {
      expect(await (await get(path)).text(), path).toContain(`<base href="${base}"`);
    }
  });

  test("another site's page may not act through somebody's browser", async () => {
    const response = await fetch(`${daemon.api}/api/v1/incidents/x/resolve`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(response.status).toBe(403);
  });
});

describe('a daemon with keys', () => {
  const KEYS = {
    reader: 'reader-key-0123456789',
    operator: 'operator-key-0123456789',
    sender: 'sender-key-0123456789',
  };
  let strict: Daemon;

  beforeAll(async () => {
    const prompt = 'id: support.greeter\nversion: 1\nowner: support\nmodel: gpt-5-mini\ntags: []\nformat: plain\n';
    mkdirSync(join(guarded, 'prompts'));
    writeFileSync(join(guarded, 'prompts/greeter.yaml'), `${prompt}template: Greet people by their name.\n`);
    writeFileSync(join(guarded, 'live.txt'), 'Greet people by their card number.');
    writeFileSync(
      join(guarded, 'plumbline.yaml'),
      `registry: [{ files: ./prompts }]
lock: ./prompts.lock.yaml
store: { path: ./data }
sources:
  - { name: app, type: files, environment: production, every: 2s, targets: [{ prompt: support.greeter, path: ./live.txt }] }
keys:
  - { name: reader, scopes: [read], key: ${KEYS.reader} }
  - { name: operator, scopes: [read, operate], key: ${KEYS.operator} }
  - { name: sender, scopes: [ingest], key: ${KEYS.sender} }
`,
    );
    const locked = await runPlumbline(guarded, ['lock']);
    if (locked.code !== 0) throw new Error(locked.stdout + locked.stderr);
    strict = await startDaemon(guarded);
  }, 120_000);
  afterAll(() => strict.kill());

  async function give(page: Page, key: string): Promise<void> {
    await page.getByLabel('Key').fill(key);
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  test('the page asks for one, once, keeps it in the tab, and says what is wrong with another', async () => {
    const { page, complaints } = await browser.open(strict.api);
    await shows(page, 'h1', 'This daemon asks for a key');
    await give(page, 'not-a-key-0123456789');
    await shows(page, '.key-form', 'No such key.');
    await give(page, KEYS.sender);
    await shows(page, 'main', 'The key sender does not have the scope read.');
    await page.getByRole('button', { name: 'Use another key' }).click();
    await give(page, KEYS.reader);
    await shows(page, '.incident', 'support.greeter in production');
    await page.reload();
    await shows(page, '.incident', 'support.greeter in production');
    expect(complaints(/status of 40[13]/)).toEqual([]);
    await page.close();

    const other = await browser.open(strict.api);
    await shows(other.page, 'h1', 'This daemon asks for a key');
    await other.page.close();
  });

  test('a key that may only read says so when it should do something; another one does it, and is named', async () => {
    const { page } = await browser.open(strict.api);
    await give(page, KEYS.reader);
    await page.locator('.incident .summary a').click();
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    const refusal = await shows(page, '.banner', 'The key reader does not have the scope operate.');
    expect(refusal).toContain('Add operate to its scopes');
    await shows(page, '.status', 'Open since');
    await page.getByRole('button', { name: 'Forget key' }).click();
    await give(page, KEYS.operator);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await shows(page, '.status', 'Acknowledged by operator');
    await page.close();
  });

  test('when the daemon does not answer, that is said, and what was there stays', async () => {
    const { page } = await browser.open(strict.api);
    await give(page, KEYS.reader);
    await shows(page, 'tbody tr', 'app/support.greeter');
    await strict.kill();
    await shows(page, '.banner', /The daemon does not answer\. What is shown is from \d{4}-/);
    expect(await count(page, 'tbody tr')).toBe(1);
    await page.close();
  });
});
