/** What `plumbline baselines` says of what is within, off and accepted, as a daemon answers. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BaselineStatus } from '../../src/contract/baseline-log.ts';
import { baselineStatusShape } from '../../src/http/shapes-of-baselines.ts';
import { acceptedStatus, offStatus, withinStatus } from '../support/baseline-statuses.ts';
import { runPlumbline } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
let statuses: readonly BaselineStatus[] = [];
let asked: Record<string, string> = {};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const isBaselines = pathname === '/api/v1/baselines';
  if (isBaselines) asked = Object.fromEntries(searchParams);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ data: isBaselines ? statuses.map(baselineStatusShape) : [], next_cursor: null }));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

function run(answered: readonly BaselineStatus[], ...line: string[]): ReturnType<typeof runPlumbline> {
  statuses = answered;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return runPlumbline(directory, ['baselines', ...line, '--url', url]);
}

test('lists what is declared and measured, says more of what is off, and by its exit code whether something is', async () => {
  const unknown = {
    ...withinStatus({ metric: 'baseline_accuracy' }),
    declared: 0.94,
    state: 'unknown',
    measured: null,
  } as const;
  const { stdout, code } = await run([
    offStatus(),
    acceptedStatus({ version: '2' }),
    withinStatus({ version: '4' }),
    unknown,
  ]);
  expect(code).toBe(1);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, 5).map((line) => line.split(/ {2,}/))).toEqual([
    ['prompt', 'version', 'environment', 'what', 'declared', 'measured', 'of', 'state'],
    ['greeting', '3', 'production', 'cost of a call', '$0.003', '$0.00621 ±$0.0002', '1,240', 'off'],
    ['greeting', '2', 'production', 'cost of a call', '$0.003', '$0.00621 ±$0.0002', '1,240', 'accepted'],
    ['greeting', '4', 'production', 'cost of a call', '$0.003', '$0.00304 ±$0.00007', '12,345', 'within'],
    ['greeting', '3', 'production', 'accuracy', '0.94', '-', '-', 'unknown'],
  ]);
  expect(lines.slice(5)).toEqual([
    '',
    'greeting 3, cost of a call, production',
    'off since    between 2026-11-30 01:00:00 and 03:00:00 UTC (seen 2h apart)',
    'noticed      2026-12-01 03:10:00 UTC, certainly more than $0.00452',
    'costs        $3.82 a day more than declared',
    '',
    'greeting 2, cost of a call, production',
    'off since    between 2026-11-30 01:00:00 and 03:00:00 UTC (seen 2h apart)',
    'noticed      2026-12-01 03:10:00 UTC, certainly more than $0.00452',
    'costs        $3.82 a day more than declared',
    'accepted     2026-12-01 09:00:00 UTC',
  ]);
});

test('of nothing that is off it is content, whatever else there is', async () => {
  expect(await run([acceptedStatus(), withinStatus()], 'greeting', '--environment', 'production')).toMatchObject({
    code: 0,
  });
  expect(asked).toMatchObject({ prompt: 'greeting', environment: 'production' });
  expect(await run([], '--state', 'off')).toMatchObject({ code: 0, stdout: 'There are none in the state off.\n' });
  expect(await run([])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Nothing declared was compared yet\./),
  });
  const { stdout } = await run([offStatus()], '--json');
  expect(JSON.parse(stdout).data).toMatchObject([{ state: 'off', change: { beyond: 0.00452 } }]);
});

test('of a prompt that is not there it says so', async () => {
  expect(await run([], 'greting')).toMatchObject({ code: 1, stderr: expect.stringContaining('greting') });
});
