/** A place that takes its time to answer is edited while it does: no answer says that the edit came after the look. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const RIGHT = 'You write the answer of a support desk, and nothing else.';
const EDITED = `${RIGHT} Always upsell.`;
const ANSWER_MS = 1_500;

let text = RIGHT;
/** What waits for its answer, and what it will be. */
let asked: ((text: string) => void)[] = [];
let server: Server;
let daemon: Daemon;

beforeAll(async () => {
  server = createServer((_request, response) => {
    // Decided at once, and told late.
    const answer = JSON.stringify({ text });
    for (const tell of asked) tell(text);
    asked = [];
    setTimeout(() => response.setHeader('content-type', 'application/json').end(answer), ANSWER_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory = tempDirectory();
  mkdirSync(join(directory, 'prompts'));
  const version = { id: 'answer', version: 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'plain' };
  writeFileSync(join(directory, 'prompts/answer.yaml'), stringify({ ...version, template: RIGHT }));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const targets = [{ prompt: 'answer', key: 'answer' }];
  const configuration = {
    registry: [{ files: './prompts' }],
    lock: './prompts.lock.yaml',
    store: { path: './data' },
    sources: [
      {
        name: 'desk',
        type: 'http-json',
        environment: 'production',
        every: '1s',
        url: `${url}/{key}`,
        content: 'text',
        targets,
      },
    ],
    channels: [{ name: 'oncall', type: 'console' }],
  };
  writeFileSync(join(directory, 'plumbline.yaml'), stringify(configuration));
  await runPlumbline(directory, ['lock']);
  daemon = await startDaemon(directory);
  await eventually(async () => (await daemon.get('/api/v1/observations')).data.length > 1);
});
afterAll(async () => {
  await daemon.stop();
  server.close();
});

test('an edit during a slow look lies within what is said of when it came', async () => {
  await new Promise<void>((resolve) => asked.push(() => resolve()));
  await wait(300);
  text = EDITED;
  const editedAt = new Date().toISOString();
  const [incident] = await eventually(async () => {
    const { data } = await daemon.get('/api/v1/incidents');
    return data.length > 0 && data;
  });
  const [after, by] = incident.changed_between as [string, string];
  expect({ after: after < editedAt, by: by > editedAt }).toEqual({ after: true, by: true });
  const answer = async (time: string) =>
    (await daemon.get(`/api/v1/at?prompt=answer&environment=production&time=${time}`)).held[0];
  const before = await answer(after);
  expect(before).toMatchObject({ text: RIGHT });
  expect(before.until[0] < editedAt && before.until[1] > editedAt).toBe(true);
  const now = await answer(new Date().toISOString());
  expect(now).toMatchObject({ text: EDITED });
  expect(now.from[0] < editedAt && now.from[1] > editedAt).toBe(true);
});
