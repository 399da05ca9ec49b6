/** What `plumbline outputs` says of series that learn, are watched and changed, as a daemon answers. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutputStatus } from '../../src/contract/output-log.ts';
import { outputStatusShape } from '../../src/http/shapes-of-outputs.ts';
import { runPlumbline } from '../support/daemon.ts';
import { changedStatus, EXAMPLE_TEXTS, learningStatus, watchingStatus } from '../support/output-statuses.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
let statuses: readonly OutputStatus[] = [];
let asked: Record<string, string> = {};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const isOutputs = pathname === '/api/v1/outputs';
  if (isOutputs) asked = Object.fromEntries(searchParams);
  const shapes = statuses.map((status) =>
    outputStatusShape(status, Math.log10(720_000), ({ traceId }) => EXAMPLE_TEXTS.get(traceId) ?? null),
  );
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ data: isOutputs ? shapes : [], next_cursor: null }));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

function run(answered: readonly OutputStatus[], ...line: string[]): ReturnType<typeof runPlumbline> {
  statuses = answered;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return runPlumbline(directory, ['outputs', ...line, '--url', url]);
}

test('lists all series, and says by its exit code whether some changed', async () => {
  const all = await run([
    changedStatus(),
    learningStatus({ version: '2', model: '' }),
    watchingStatus({ version: '3' }),
  ]);
  expect(all.code).toBe(1);
  expect(
    all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ['prompt', 'version', 'model', 'environment', 'state', 'outputs', 'since', 'last'],
    ['greeting', '1', 'gpt-5', 'production', 'changed', '812, then 64', '2026-11-30', '2026-12-01'],
    ['greeting', '2', '-', 'production', 'learning', '210 of 300', '2026-12-01', '2026-12-01'],
    ['greeting', '3', 'gpt-5', 'production', 'watching', '812', '2026-11-20', '2026-12-01'],
  ]);
  expect(await run([watchingStatus()], '--environment', 'production', '--state', 'watching')).toMatchObject({
    code: 0,
  });
  expect(asked).toMatchObject({ environment: 'production', state: 'watching' });
});

test('of a prompt says what changed, when, and shows answers of before and since', async () => {
  const { stdout, code } = await run([changedStatus()], 'greeting');
  expect(code).toBe(1);
  expect(asked['prompt']).toBe('greeting');
  expect(stdout.split('\n')).toEqual([
    'greeting 1, gpt-5',
    'environment  production',
    'state        changed between 2026-11-30 22:00:00 and 23:00:00 UTC (seen 1h apart)',
    'last output  in the hour of 2026-12-01 02:00:00 UTC',
    'noticed      2026-12-01 01:10:00 UTC',
    '',
    'length in characters: 821 before, 4 now',
    'wording',
    '',
    'What was asked changed too: that may be the reason.',
    '',
    'before, of 812 outputs',
    expect.stringMatching(/^ {2}2026-11-30 21:30:00 UTC, trace a{31}1$/),
    '    A step',
    '    by step',
    '    explanation',
    '    of four',
    '    …',
    expect.stringMatching(/trace a{31}2$/),
    '    (its text is not kept)',
    '',
    'since, of 64 outputs',
    expect.stringMatching(/trace a{31}3$/),
    // Nothing in an answer steers the terminal.
    '    Yes.<U+202E>',
    '',
  ]);
});

test('of a prompt says how far it is in learning, or what it is compared with', async () => {
  const { stdout, code } = await run([learningStatus(), watchingStatus({ version: '2' })], 'greeting');
  expect(code).toBe(0);
  expect(stdout).toContain(
    'state        learning until 2026-12-08 00:00:00 UTC at the earliest (210 of 300 outputs)\n',
  );
  expect(stdout).toContain(
    'state        watching: as much difference comes by chance once in 32 h (an alarm is at 720,000 h), compared with 812 outputs from 2026-11-20 00:00:00 UTC to 2026-11-27 00:00:00 UTC\n',
  );
});

test('gives a program the answer as it is', async () => {
  const { stdout, code } = await run([changedStatus()], '--json');
  expect(code).toBe(1);
  const answered = outputStatusShape(
    changedStatus(),
    Math.log10(720_000),
    ({ traceId }) => EXAMPLE_TEXTS.get(traceId) ?? null,
  );
  expect(JSON.parse(stdout)).toEqual({ data: [answered] });
});

test('nothing looked at yet is no change, and nothing of a prompt is nothing found', async () => {
  expect(await run([])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^No outputs were looked at yet\./) });
  const none = await run([], 'greting');
  expect(none).toMatchObject({ code: 1, stdout: expect.stringMatching(/^No outputs of greting were looked at yet\./) });
  expect(none.stderr).toContain('No prompt called greting is registered or watched.');
  expect(await run([], 'greeting', '--state', 'changed')).toMatchObject({ code: 0, stderr: '' });
});
