/**
 * The system's Chromium, driven as a person's browser, which notes everything that a clean page never
 * does: errors on its console, uncaught exceptions, violations of its Content-Security-Policy.
 */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** No sandbox: tests run as root in containers. The rest: nothing that calls home. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Generous: several test files share two cores. */
const WAIT_MS = 20_000;

export interface TestBrowser {
  /** A tab of its own, with its own storage. */
  open(url: string): Promise<TestPage>;
  close(): Promise<void>;
}

export interface TestPage {
  readonly page: Page;
  /** What a clean page never does, so far. Refused requests (401, 403) are noted by Chromium too; name those that are expected. */
  readonly complaints: (expected?: RegExp) => readonly string[];
}

/** Throws with what to install when there is no Chromium. */
export async function startBrowser(): Promise<TestBrowser> {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = PROGRAMS.flatMap((name) => directories.map((path) => join(path, name))).find((path) =>
    existsSync(path),
  );
  if (executablePath === undefined) {
    throw new Error('The tests of the web page need Chromium. Install it: apt-get install chromium');
  }
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  return { open: (url) => openPage(browser, url), close: () => browser.close() };
}

/** Waits until the element shows the text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<string> {
  const found = page.locator(selector).filter({ hasText: text }).first();
  await found.waitFor();
  return found.innerText();
}

async function openPage(browser: Browser, url: string): Promise<TestPage> {
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  page.on('requestfailed', (request) => {
    // A view that is left does not wait for its answer.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()}`);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('blob:')) {
      complaints.push(`went elsewhere: ${request.url()}`);
    }
  });
  await page.goto(url);
  return { page, complaints: (expected) => complaints.filter((text) => expected?.test(text) !== true) };
}
