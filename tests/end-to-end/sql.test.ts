/** An analyst asks in SQL, of a daemon with an embedded store that is told of calls over OTLP. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type CommandResult, type Daemon } from '../support/daemon.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
const KEYS = { ANALYST_KEY: 'analyst-key-of-the-test', INGEST_KEY: 'ingest-key-of-the-test' };
const QUESTION =
  'SELECT prompt, version, count() AS calls, sum(input_tokens) AS input FROM calls GROUP BY prompt, version ORDER BY input DESC';

mkdirSync(join(directory, 'prompts'));
writeFileSync(
  join(directory, 'prompts/greeting.yaml'),
  `id: greeting
version: 1
owner: support
model: gpt-4o
tags: [support]
format: jinja2
template: "Greet {{ name }} in one short sentence, and say nothing else."
`,
);
writeFileSync(join(directory, 'live.txt'), 'Greet nobody.');
writeFileSync(
  join(directory, 'plumbline.yaml'),
  `registry: [{ files: ./prompts }]
sources:
  - { name: app, type: files, environment: production, every: 1s, targets: [{ prompt: greeting, path: ./live.txt }] }
keys:
  - { name: analyst, scopes: [read], key: "env:ANALYST_KEY" }
  - { name: collector, scopes: [ingest], key: "env:INGEST_KEY" }
`,
);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon(directory, [], KEYS);
  const system = (name: string): string => `Greet ${name} in one short sentence, and say nothing else.`;
  const spans = ['Ann', 'Ben', 'Cem'].map((name) => ({
    attributes: chatAttributes(system(name), [{ role: 'user', text: 'Hello' }], `Hello ${name}.`),
  }));
  await sendSpans(daemon, spans, bearer(KEYS.INGEST_KEY));
  await eventually(
    async () => (await sql(['--format', 'csv', 'SELECT count() AS n FROM calls'])).stdout === '"n"\n3\n',
  );
});
afterAll(() => daemon.stop());

const bearer = (key: string): { authorization: string } => ({ authorization: `Bearer ${key}` });

function sql(line: readonly string[], key = KEYS.ANALYST_KEY, input = ''): Promise<CommandResult> {
  return runPlumbline(directory, ['sql', ...line, '--url', daemon.api], { ...KEYS, PLUMBLINE_KEY: key }, input);
}

test('a person gets a table, a program JSON or a file', async () => {
  const shown = await sql([QUESTION]);
  expect(shown).toMatchObject({ code: 0, stderr: '1 row\n' });
  expect(shown.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['prompt', 'version', 'calls', 'input'],
    ['greeting', '1', '3', '126'],
    [''],
  ]);
  expect(JSON.parse((await sql([QUESTION, '--json'])).stdout)).toMatchObject({
    meta: [{ name: 'prompt' }, { name: 'version' }, { name: 'calls' }, { name: 'input' }],
    data: [{ prompt: 'greeting', version: '1', calls: '3', input: '126' }],
  });
  const read = await sql(['--format', 'csv', '-'], KEYS.ANALYST_KEY, `-- what it costs\n${QUESTION};\n`);
  expect(read).toEqual({ code: 0, stdout: '"prompt","version","calls","input"\n"greeting","1",3,126\n', stderr: '' });
  expect((await sql(['--format', 'parquet', QUESTION])).stdout).toMatch(/^PAR1/);
});

test('what targets hold and what is wrong is there as well', async () => {
  const [target] = JSON.parse((await sql(['--json', 'SELECT * FROM targets_now'])).stdout).data;
  expect(target).toMatchObject({ target: 'app/greeting', prompt: 'greeting', verdict: 'unregistered' });
  const [incident] = JSON.parse((await sql(['--json', 'SELECT * FROM incidents_now'])).stdout).data;
  expect(incident).toMatchObject({ target: 'app/greeting', owner: 'support', status: 'open', resolved_at: null });
  const told = await (await fetch(`${daemon.api}/api/v1/incidents`, { headers: bearer(KEYS.ANALYST_KEY) })).json();
  const [{ id, opened_at, summary, changed_between, observed }] = told.data;
  expect(incident).toMatchObject({ id, opened_at, observed_hash: observed.hash });
  expect([incident.changed_after, incident.changed_until]).toEqual(changed_between);
  expect(summary).toContain(incident.summary);
});

test('a mistake is told where it is, and what can’t be asked is refused', async () => {
  const slip = await sql(['SELECT nothing FROM calls']);
  expect(slip).toMatchObject({ code: 2, stdout: '' });
  expect(slip.stderr).toContain('Unknown expression identifier `nothing`');
  const file = await sql([`SELECT file('${join(directory, 'live.txt')}')`]);
  expect(file).toMatchObject({ code: 2, stdout: '' });
  expect(file.stderr).toContain('file is not available');
  expect((await sql(['DROP TABLE calls'])).stderr).toContain('It is not a SELECT');
  expect((await sql(['--format', 'xml', 'SELECT 1'])).stderr).toContain('There is no format xml.');
  expect((await sql(['SELECT 1'], KEYS.INGEST_KEY)).stderr).toContain('does not have the scope read');
});

test('of a program too much is told by its status', async () => {
  const ask = (body: object): Promise<Response> =>
    fetch(`${daemon.api}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(KEYS.ANALYST_KEY) },
      body: JSON.stringify(body),
    });
  const large = await ask({ query: 'SELECT * FROM numbers(3000000)' });
  expect(large.status).toBe(400);
  expect(await large.json()).toMatchObject({ hint: 'Its answer is too large: add a LIMIT, or group.' });
  expect((await ask({ query: 'x'.repeat(200_000) })).status).toBe(400);
  expect((await ask({ query: 'SELECT 1', settings: {} })).status).toBe(400);
  const one = await ask({ query: 'SELECT 1 AS one', format: 'ndjson' });
  expect(one.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
  expect(await one.text()).toBe('{"one":1}\n');
});

test('without a daemon the store itself is asked', async () => {
  await daemon.stop();
  const asked = await runPlumbline(directory, ['sql', '--format', 'csv', QUESTION], KEYS);
  expect(asked).toMatchObject({ code: 0, stdout: '"prompt","version","calls","input"\n"greeting","1",3,126\n' });
  expect((await runPlumbline(directory, ['sql', 'SELECT nothing FROM calls'], KEYS)).stderr).toContain(
    'Unknown expression',
  );
});
