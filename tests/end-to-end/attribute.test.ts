/** What an engineer and an analyst ask about a text and its variables, of the real daemon by API and command line. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type CommandResult, type Daemon } from '../support/daemon.ts';
import { lock, writeConfiguration, writeVersion } from '../support/project.ts';
import { sendSpans } from '../support/send-spans.ts';

const TEST_TIMEOUT_MS = 180_000;
const TEMPLATE = (end: string): string =>
  `You route what customers of {{ company }} write to a department.{% if vip %} ${end}{% endif %} Now the message: {{ message }}`;

let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-attribute-'));
  for (const [before, end] of ['Be brief.', 'Be kind.'].entries()) {
    writeVersion(directory, { id: 'support.router', version: before + 1, format: 'jinja2', template: TEMPLATE(end) });
  }
  writeConfiguration(directory);
  await lock(directory);
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...line: string[]): Promise<CommandResult> => runPlumbline(directory, [...line, '--url', daemon.api]);

function seen(company: string, message: string, end = ''): string {
  return TEMPLATE('')
    .replace('{% if vip %} {% endif %}', end)
    .replace('{{ company }}', company)
    .replace('{{ message }}', message);
}

test(
  'a text is explained in a terminal: evidence, variables, competing versions, ties',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    writeFileSync(join(directory, 'seen.txt'), seen('Acme', 'Where is my parcel?', ' Be kind.'));
    const clear = await run('attribute', 'seen.txt');
    expect(clear.code).toBe(0);
    expect(clear.stdout).toContain('compatible with support.router v2');
    expect(clear.stdout).toContain('"You route what customers of "  28 bytes');
    expect(clear.stdout).toContain('company = "Acme"');
    expect(clear.stdout).toContain('message = "Where is my parcel?"');

    writeFileSync(join(directory, 'tied.txt'), seen('Acme', 'Where is my parcel?'));
    const tied = await run('attribute', 'tied.txt');
    expect(tied.code).toBe(1);
    expect(tied.stdout).toContain('compatible with 2 versions alike');
    const settled = await run('attribute', 'tied.txt', '--environment', 'production');
    expect(settled.code).toBe(0);
    expect(settled.stdout).toContain(
      'it fits support.router v1 as well: set aside because the pin of production names another',
    );
    expect(settled.stdout).toMatch(/compatible as well:\n {2}support\.router 1 .* equally well/);

    writeFileSync(join(directory, 'edited.txt'), seen('Acme', 'Where?').replace('a department', 'a colleague'));
    const near = await run('attribute', 'edited.txt');
    expect(near.code).toBe(1);
    expect(near.stdout).toMatch(/-.*to a department\..*\n\+.*to a colleague\./);
  },
);

test('a text is explained to a program, with model, parameters and tools', { timeout: TEST_TIMEOUT_MS }, async () => {
  const response = await fetch(`${daemon.api}/api/v1/attribute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [
        { role: 'system', content: seen('Acme', 'Why?', ' Be brief.') },
        { role: 'user', content: 'hello' },
      ],
      settings: { model: 'gpt-4o' },
      sent: { environment: 'production', service: 'checkout' },
    }),
  });
  expect(await response.json()).toMatchObject({
    kind: 'rendered',
    matches: [
      {
        prompt: 'support.router',
        version: '1',
        variables: [
          { name: 'company', value: 'Acme' },
          { name: 'message', value: 'Why?' },
        ],
        messages: [
          {
            pieces: [
              { literal: 'You route what customers of ' },
              { variable: 'company', value: 'Acme' },
              { literal: ' write to a department. Be brief. Now the message: ' },
              { variable: 'message', value: 'Why?' },
            ],
          },
        ],
        settings_differences: [{ setting: 'model', registered: 'gpt-5-mini', observed: 'gpt-4o' }],
      },
    ],
    tie: null,
    near: [],
  });
});

test('what filled the variables is counted for an analyst', { timeout: TEST_TIMEOUT_MS }, async () => {
  const calls = ['Where is my parcel?', 'Where is my parcel?', 'I want my money back.'].map((message) => ({
    attributes: chatAttributes(seen('Acme', message, ' Be kind.'), [{ role: 'user', text: 'hello' }], 'billing'),
  }));
  await sendSpans(daemon, calls);
  interface Variables {
    readonly calls: number;
    readonly data: readonly { readonly name: string }[];
  }
  const path = '/api/v1/prompts/support.router/variables';
  const answer = await eventually(async () => {
    const found = await daemon.get<Variables>(`${path}?version=2`);
    return found.calls === 3 && found;
  });
  expect(answer).toMatchObject({
    prompt: 'support.router',
    calls_with_variables: 3,
    data: [
      { name: 'company', calls: 3, distinct: 1, top: [{ value: 'Acme', kept: true, calls: 3 }] },
      {
        name: 'message',
        calls: 3,
        distinct: 2,
        characters: { min: 19, p50: 19, max: 21 },
        top: [
          { value: 'Where is my parcel?', calls: 2 },
          { value: 'I want my money back.', calls: 1 },
        ],
      },
    ],
    next_cursor: null,
  });
  expect(await daemon.get(`${path}?version=1`)).toMatchObject({ calls: 0, data: [] });
  expect((await fetch(`${daemon.api}${path}?from=yesterday`)).status).toBe(400);

  const shown = await run('variables', 'support.router', '--prompt-version', '2');
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('message  3 calls, 2 different values, 19 to 21 characters');
  expect(shown.stdout).toMatch(/2 {2}"Where is my parcel\?"/);
  const json = await run('variables', 'support.router', '--top', '1', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ calls: 3, data: [{}, { top: [{ calls: 2 }] }] });
  expect((await run('variables', 'support.nothing')).code).toBe(1);
});
