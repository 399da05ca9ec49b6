/**
 * What people get to read: every folder of `tests/golden/alerts/` holds an `alert.json`, or a `group.json`
 * of several that leave together, and, for each channel, what it sends. `UPDATE_GOLDEN=1` writes them anew; read the difference before committing.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import type { Alert, AlertGroup, Channel } from '../../src/contract/channel.ts';
import { boundedFetch } from '../../src/lib/http.ts';
import { MailServer, type ReceivedMail } from '../support/mail-server.ts';
import { PagerDutyStandIn } from '../support/pagerduty.ts';
import { SlackStandIn } from '../support/slack.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const GOLDEN = join(import.meta.dirname, '../golden/alerts');
const CASES = readdirSync(GOLDEN);

let mail: MailServer;
let pagerduty: PagerDutyStandIn;
let slack: SlackStandIn;
let receiver: WebhookReceiver;

beforeAll(async () => {
  mail = await MailServer.start();
  pagerduty = await PagerDutyStandIn.start();
  slack = await SlackStandIn.start();
  receiver = await WebhookReceiver.start();
});
afterAll(async () => {
  await mail.stop();
  await pagerduty.stop();
  await slack.stop();
  await receiver.stop();
});

/** What the channel sent, as text; null when it takes no groups. */
async function sent(type: string, subject: Alert | AlertGroup): Promise<string | null> {
  const configs: Readonly<Record<string, unknown>> = {
    console: {},
    email: { url: mail.url(), from: 'plumbline@example.com', to: 'team@example.com' },
    pagerduty: { routing_key: pagerduty.routingKey, url: pagerduty.url },
    slack: { webhook_url: slack.url },
    webhook: { url: receiver.url },
  };
  const plugin = CHANNEL_PLUGINS.find((each) => each.type === type);
  const printed: string[] = [];
  const channel: Channel | undefined = plugin?.open(configs[type], {
    name: 'golden',
    fetch: boundedFetch(),
    print: (text) => printed.push(text),
  });
  const signal = AbortSignal.timeout(5_000);
  if (!('alerts' in subject)) await channel?.send(subject, signal);
  else if (channel?.sendTogether === undefined) return null;
  else await channel.sendTogether(subject, signal);
  if (type === 'console') return `${printed.join('\n')}\n`;
  if (type === 'email') return readable((await mail.inbox()).at(-1));
  const receivers: Readonly<Record<string, { readonly messages: readonly unknown[] }>> = {
    pagerduty,
    slack,
    webhook: receiver,
  };
  const message = receivers[type]?.messages.at(-1);
  return `${JSON.stringify(message, null, 2)}\n`;
}

function readable(received: ReceivedMail | undefined): string {
  const { subject, messageId, references, text, html } = received ?? {};
  const head = Object.entries({ Subject: subject, 'Message-ID': messageId, References: references });
  const headers = head.map(([name, value]) => (value === undefined ? '' : `${name}: ${value}\n`));
  return `${headers.join('')}\n${text?.trimEnd()}\n\n${html?.trimEnd()}\n`;
}

const SUFFIXES: Readonly<Record<string, string>> = { console: 'txt', email: 'txt' };

describe.each(CASES)('%s', (name) => {
  const folder = join(GOLDEN, name);
  const file = existsSync(join(folder, 'group.json')) ? 'group.json' : 'alert.json';
  const subject = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Alert | AlertGroup;

  it.each(CHANNEL_PLUGINS.map((plugin) => plugin.type))('%s', async (type) => {
    const golden = join(folder, `${type}.${SUFFIXES[type] ?? 'json'}`);
    const actual = await sent(type, subject);
    if (process.env['UPDATE_GOLDEN'] === '1' && actual !== null) writeFileSync(golden, actual);
    expect(actual).toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : null);
  });
});
