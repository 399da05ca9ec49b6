/** Verbs follow all pages: what is left out would count as right. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPlumbline } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
const content = { version: '1', hash: 'sha256:00', text: 'Hi.', from: [null, null], until: [null, null], evidence: [] };
const target = (id: string, verdict: string) => ({
  id,
  environment: 'production',
  verdicts: [{ part: '', verdict, severity: 'critical', summary: id, expected: null, observed: content }],
});
const heldBy = (id: string) => ({ ...content, target: id, part: '', state: 'held' });
const about = { prompt: 'p', environment: 'production', time: 't', known_at: 't', intended: null, used: [] };
const FIRST: Record<string, object> = {
  '/api/v1/targets': { data: [target('config/one', 'in_sync')], next_cursor: 'more' },
  '/api/v1/at': { ...about, held: [heldBy('config/one')], next_cursor: 'more' },
  '/readyz': { status: 'ready', problems: ['The disk of the store is full.'] },
};
const SECOND: Record<string, object> = {
  '/api/v1/targets': { data: [target('config/two', 'edited')], next_cursor: null },
  '/api/v1/at': { ...about, held: [heldBy('config/two')], next_cursor: null },
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify((searchParams.get('cursor') === 'more' ? SECOND : FIRST)[pathname]));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

const addressOf = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

test.each([['status'], ['at', 'p']])('%s', async (...line) => {
  const url = addressOf();
  const { stdout, code } = await runPlumbline(directory, [...line, '--url', url]);
  expect(stdout).toContain('config/one');
  expect(stdout).toContain('config/two');
  expect(code).toBe(line[0] === 'status' ? 1 : 0);
});

test('status tells what is wrong with the daemon: what it says of places may be old', async () => {
  const line = ['status', '--url', addressOf()];
  expect((await runPlumbline(directory, line)).stderr).toBe('Problem: The disk of the store is full.\n');
  const { problems } = JSON.parse((await runPlumbline(directory, [...line, '--json'])).stdout);
  expect(problems).toEqual(['The disk of the store is full.']);
});
