/** What `plumbline incidents` prints: of an incident of which there are two texts, and of more than a page of them. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { incidentShape } from '../../src/http/shapes.ts';
import { runPlumbline } from '../support/daemon.ts';
import { time } from '../support/prompts.ts';
import { incident } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const FIRST = incident('once', { invocationsAffected: 0 });
const TWICE = incident('twice', {
  changedBetween: [time('02:03:30'), time('02:04:00')],
  changedBy: 'grace',
  firstChangedBetween: FIRST.changedBetween,
  invocationsAffected: 7,
});
const OVER = {
  ...TWICE,
  id: 'over',
  status: 'resolved',
  invocationsAffected: 20,
  resolvedAt: time('02:09:00'),
} as const;

const HOSTILE = {
  ...TWICE,
  id: 'hostile',
  changedBy: 'mallory\u001B]0;all is well\u0007\u001B[2K\u009B1A',
  summary: 'edited\nover  resolved',
};

const directory = tempDirectory();
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const found = [FIRST, TWICE, OVER, HOSTILE].find(({ id }) => pathname.endsWith(`/${id}`));
  const page = searchParams.has('cursor')
    ? { data: [incidentShape(FIRST)], next_cursor: null }
    : { data: [incidentShape(OVER)], next_cursor: 'more' };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(found === undefined ? page : incidentShape(found)));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

const run = (...line: readonly string[]): ReturnType<typeof runPlumbline> =>
  runPlumbline(directory, [
    'incidents',
    ...line,
    '--url',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  ]);

test('all of them, and what is wrong counts on whatever page it is', async () => {
  const { stdout, code } = await run('--all', '--json');
  expect(JSON.parse(stdout).data.map(({ id }: { id: string }) => id)).toEqual(['over', 'once']);
  expect(code).toBe(1);
});

test('of two things that it is to do at once it does none', async () => {
  const { stderr, code } = await run('once', '--acknowledge', '--resolve');
  expect(stderr).toContain('Use one of --acknowledge, --snooze and --resolve.');
  expect(code).toBe(2);
});

async function lines(id: string): Promise<readonly string[]> {
  const { stdout } = await run(id);
  return stdout.split('\n').filter((line) => /^(changed|first|calls) /.test(line));
}

test('since when, and no more calls than are known', async () => {
  const first = 'between 2026-11-20 02:00:00 and 02:00:30 UTC (seen 30s apart)';
  const second = 'between 2026-11-20 02:03:30 and 02:04:00 UTC (seen 30s apart)';
  expect(await lines('once')).toEqual([`changed    ${first}`, 'calls      none seen so far']);
  expect(await lines('twice')).toEqual([
    `changed    ${second}, by grace`,
    `first      ${first}`,
    'calls      at least 7 affected so far',
  ]);
  expect((await lines('over')).at(-1)).toBe('calls      20 affected');
});

test('what places and people are called does not steer the terminal, and is exact in JSON', async () => {
  const { stdout } = await run('hostile');
  expect(stdout).toContain('mallory<U+001B>]0;all is well<U+0007><U+001B>[2K<U+009B>1A');
  const { stdout: json } = await run('hostile', '--json');
  expect(JSON.parse(json)).toMatchObject({ changed_by: HOSTILE.changedBy });
  // oxlint-disable-next-line no-control-regex
  expect(stdout + json).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
});
