/** A user's own configuration: an edit reaches Slack once, putting it back resolves it once, and a place that fails raises nothing. */

import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

const CLASSIFIER = 'You classify what customers write.\nAnswer with one word: billing, account or other.\n';
const GREETER = 'You greet {{name}} and ask how we can help.';

let directory: string;
let slack: Server;
let promptApi: Server;
let daemon: Daemon;
const messages: string[] = [];
let apiAnswer: { status: number; body: string };

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function apiContent(text: string): { status: number; body: string } {
  return {
    status: 200,
    body: JSON.stringify({
      prompt: { text, version: 7, updated_by: 'mara@example.com', updated_at: '2026-11-20T08:00:00Z' },
    }),
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-own-'));
  slack = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      messages.push(body);
      response.end('ok');
    });
  });
  apiAnswer = apiContent(GREETER);
  promptApi = createServer((_request, response) => {
    response.writeHead(apiAnswer.status, { 'content-type': 'application/json' });
    response.end(apiAnswer.body);
  });
  const [slackPort, apiPort] = await Promise.all([listen(slack), listen(promptApi)]);
  mkdirSync(join(directory, 'prompts'));
  mkdirSync(join(directory, 'live'));
  writeFileSync(
    join(directory, 'prompts/classifier.yaml'),
    `id: support.classifier\nversion: 1\nowner: support-team\nmodel: gpt-5-mini\ntags: [support]\nformat: plain\ntemplate: |\n  ${CLASSIFIER.trimEnd().replaceAll('\n', '\n  ')}\n`,
  );
  writeFileSync(
    join(directory, 'prompts/greeter.yaml'),
    `id: support.greeter\nversion: 1\nowner: support-team\nmodel: gpt-5-mini\ntags: [support]\nformat: mustache\ntemplate: ${JSON.stringify(GREETER)}\n`,
  );
  writeFileSync(join(directory, 'live/classifier.txt'), CLASSIFIER);
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `
registry: [{ files: ./prompts }]
lock: ./prompts.lock.yaml
store: { path: ./data }
sources:
  - name: app-config
    type: files
    environment: production
    every: 2s
    targets:
      - { prompt: support.classifier, path: ./live/classifier.txt }
  - name: prompt-api
    type: http-json
    environment: production
    every: 1s
    url: "http://127.0.0.1:${apiPort}/{key}"
    content: prompt.text
    version: prompt.version
    editor: prompt.updated_by
    edited_at: prompt.updated_at
    targets:
      - { prompt: support.greeter, key: greeter }
channels:
  - { name: oncall, type: slack, webhook_url: "env:TEST_SLACK_URL" }
`,
  );
  const locked = await runPlumbline(directory, ['lock'], {
    TEST_SLACK_URL: `http://127.0.0.1:${slackPort}/services/T0/B0/secretpart`,
  });
  if (locked.code !== 0) throw new Error(locked.stdout + locked.stderr);
  daemon = await startDaemon(directory, [], {
    TEST_SLACK_URL: `http://127.0.0.1:${slackPort}/services/T0/B0/secretpart`,
  });
});

afterAll(async () => {
  await daemon.stop();
  slack.close();
  promptApi.close();
  rmSync(directory, { recursive: true, force: true });
});

function about(prompt: string): string[] {
  return messages.filter((message) => message.includes(prompt));
}

async function verdictOf(target: string): Promise<string | undefined> {
  const { data } = await daemon.get('/api/v1/targets');
  return data.find((candidate: { id: string }) => candidate.id === target)?.verdicts[0]?.verdict;
}

/** Several more polls of both sources: time for a second, wrong message. */
const SEVERAL_POLLS_MS = 5_000;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SEVERAL_POLLS_MS));

describe('a files source, an http-json source and Slack', () => {
  test('what matches is in sync, and nobody hears of it', async () => {
    await eventually(async () => (await verdictOf('app-config/support.classifier')) === 'in_sync');
    await eventually(async () => (await verdictOf('prompt-api/support.greeter')) === 'in_sync');
    expect(messages).toEqual([]);
  });

  test('an edit of the file reaches the receiver exactly once; putting it back resolves it exactly once', async () => {
    writeFileSync(join(directory, 'live/classifier.txt'), CLASSIFIER.replace('one word', 'a whole sentence'));
    await eventually(async () => about('support.classifier').length > 0);
    await pause();
    expect(about('support.classifier')).toHaveLength(1);
    expect(about('support.classifier')[0]).toContain('a whole sentence');
    expect(about('support.classifier')[0]).toContain('restore app-config/support.classifier');
    const { data: open } = await daemon.get('/api/v1/incidents?status=unresolved');
    expect(open).toHaveLength(1);
    expect(open[0]).toMatchObject({
      verdict: 'edited',
      prompt: 'support.classifier',
      environment: 'production',
      expected: { version: '1' },
    });

    writeFileSync(join(directory, 'live/classifier.txt'), CLASSIFIER);
    await eventually(async () => about('support.classifier').length > 1);
    await pause();
    expect(about('support.classifier')).toHaveLength(2);
    const { data: still } = await daemon.get('/api/v1/incidents?status=unresolved');
    expect(still).toEqual([]);
  });

  test.each([
    ['a server error', { status: 500, body: 'boom' }],
    ['HTML', { status: 200, body: '<!doctype html><title>Sign in</title>' }],
    ['cut JSON', { status: 200, body: '{"prompt": {"te' }],
  ])('%s is unreachable and raises no drift', async (_name, answer) => {
    apiAnswer = answer;
    await eventually(async () => (await verdictOf('prompt-api/support.greeter')) === 'unreachable');
    apiAnswer = apiContent(GREETER);
    await eventually(async () => (await verdictOf('prompt-api/support.greeter')) === 'in_sync');
    expect(about('support.greeter')).toEqual([]);
  });

  test('an edit behind the API names who made it', async () => {
    apiAnswer = apiContent(GREETER.replace('how we can help', 'for their card number'));
    await eventually(async () => about('support.greeter').length > 0);
    expect(about('support.greeter')[0]).toContain('mara@example.com');
    expect(messages.join()).not.toContain('secretpart');
    expect(daemon.printed()).not.toContain('secretpart');
  });

  test('looks and messages are counted where Prometheus finds them, without a secret', async () => {
    await eventually(async () => {
      const text = await (await fetch(new URL('/metrics', daemon.api))).text();
      expect(text).toMatch(/^plumbline_polls_total\{.*outcome="polled".*\} [1-9]/m);
      expect(text).toMatch(/^plumbline_polled_targets_total\{.*answer="unreachable".*\} [1-9]/m);
      expect(text).toMatch(/^plumbline_deliveries_total\{.*outcome="delivered".*\} [1-9]/m);
      expect(text).toMatch(/^plumbline_unresolved_incidents\{severity="critical",status="open".*\} [1-9]/m);
      expect(text).toMatch(/^plumbline_unresolved_incidents\{severity="critical",status="snoozed".*\} 0$/m);
      expect(text).toMatch(/^plumbline_store_bytes\{table="latest_verdicts".*\} [1-9]/m);
      expect(text).toMatch(/^plumbline_store_bytes\{table="call_texts".*\} 0$/m);
      expect(text).not.toContain('status="resolved"');
      expect(text).not.toContain('secretpart');
      return true;
    });
  });
});
