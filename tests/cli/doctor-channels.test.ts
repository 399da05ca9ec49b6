/** `plumbline doctor --send-test`: each channel shows whether it is heard. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runPlumbline } from '../support/daemon.ts';
import { MailServer } from '../support/mail-server.ts';
import { PagerDutyStandIn } from '../support/pagerduty.ts';
import { SlackStandIn } from '../support/slack.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let directory: string;
let mail: MailServer;
let pager: PagerDutyStandIn;
let slack: SlackStandIn;
let webhook: WebhookReceiver;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-doctor-'));
  [mail, pager, slack, webhook] = await Promise.all([
    MailServer.start(),
    PagerDutyStandIn.start(),
    SlackStandIn.start(),
    WebhookReceiver.start(),
  ]);
  const channels = [
    { name: 'terminal', type: 'console' },
    { name: 'team', type: 'email', url: mail.url(), from: 'plumbline@example.com', to: 'team@example.com' },
    { name: 'pager', type: 'pagerduty', routing_key: pager.routingKey, url: pager.url },
    { name: 'oncall', type: 'slack', webhook_url: slack.url },
    { name: 'tickets', type: 'webhook', url: webhook.url },
  ];
  const server = { port: 0, otlp_port: 0, grpc_port: 0 };
  writeFileSync(join(directory, 'plumbline.yaml'), JSON.stringify({ store: { path: './data' }, server, channels }));
});
afterEach(async () => {
  await Promise.all([mail.stop(), pager.stop(), slack.stop(), webhook.stop()]);
  rmSync(directory, { recursive: true, force: true });
});

it('sends each a test and its end, so that nothing stays open there', async () => {
  const { stdout } = await runPlumbline(directory, ['doctor', '--send-test']);
  expect(stdout).toMatch(/ok\s+channel terminal: console, configured; it is where the daemon runs\n/);
  expect(stdout).toMatch(/ok\s+channel team: email, took a test alert and its end: 250 queued as 1, 250 queued as 2\n/);
  expect(stdout).toMatch(/ok\s+channel oncall: slack, took a test alert and its end: ok, ok\n/);
  const subjects = (await mail.inbox()).map(({ subject }) => subject);
  expect(subjects).toEqual([
    '[info] Prompt drift: This is a test of the channel team: nothing is wrong.',
    'Resolved: plumbline.test in test was closed by hand by doctor.',
  ]);
  expect(pager.alerts.map(({ status, payload }) => [status, payload.severity])).toEqual([['resolved', 'info']]);
  expect(slack.messages).toHaveLength(2);
  expect(webhook.messages.map(({ transition }) => transition)).toEqual(['opened', 'resolved']);
});

it('says what is wrong with one, and tries the others', async () => {
  slack.remove();
  const { code, stdout } = await runPlumbline(directory, ['doctor', '--send-test', '--json']);
  expect(code).toBe(1);
  const checks = JSON.parse(stdout).checks.filter(({ what }: { what: string }) => what.startsWith('channel '));
  const failed = checks.filter(({ status }: { status: string }) => status === 'failed');
  expect(failed).toEqual([
    { what: 'channel oncall', status: 'failed', words: expect.stringContaining('create a new one') },
  ]);
  expect(webhook.messages).toHaveLength(2);
});

it('sends nothing unless it is asked to', async () => {
  const { stdout } = await runPlumbline(directory, ['doctor']);
  expect(stdout).toContain(
    'channel oncall: slack, configured; nothing was sent (`npm run -s plumbline -- doctor --send-test` does)',
  );
  expect([slack.requests, webhook.requests, pager.requests, mail.connections]).toEqual([0, 0, 0, 0]);
});
