import { createHmac } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import type { Alert, Channel, ChannelContext } from '../../src/contract/channel.ts';
import { describeError } from '../../src/contract/fault.ts';
import { boundedFetch } from '../../src/lib/http.ts';
import { PagerDutyStandIn } from '../support/pagerduty.ts';
import { SlackStandIn } from '../support/slack.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { ALERT, faultOf } from './an-alert.ts';

function plugin(type: string) {
  const found = CHANNEL_PLUGINS.find((candidate) => candidate.type === type);
  if (found === undefined) throw new Error(`No channel ${type}.`);
  return found;
}

function contextWith(printed: string[] = []): ChannelContext {
  const fetch = boundedFetch({ bodyBytesMax: 100_000, timeoutMs: 5_000 });
  return { name: 'oncall', fetch, print: (text) => printed.push(text) };
}

describe('the registry of channels', () => {
  it('is the listing of the folder', () => {
    const files = readdirSync(join(import.meta.dirname, '../../src/channels'));
    const expected = files.filter((file) => file !== 'index.ts').map((file) => file.replace(/\.ts$/, ''));
    expect(CHANNEL_PLUGINS.map((each) => each.type)).toEqual(expected.toSorted());
  });

  it.each(CHANNEL_PLUGINS)('$type: takes its example, refuses unknown keys, says what it is', (each) => {
    expect(each.config.safeParse(each.example).success).toBe(true);
    expect(each.config.safeParse({ ...(each.example as object), colour: 'pink' }).success).toBe(false);
    expect(each.summary).toMatch(/\.$/);
  });
});

const SERVICES = {
  pagerduty: async () => {
    const receiver = await PagerDutyStandIn.start();
    return { receiver, config: { routing_key: receiver.routingKey, url: receiver.url } };
  },
  slack: async () => {
    const receiver = await SlackStandIn.start();
    return { receiver, config: { webhook_url: receiver.url } };
  },
  webhook: async () => {
    const receiver = await WebhookReceiver.start();
    return { receiver, config: { url: receiver.url, secret: 'hmac-key-of-the-hook' } };
  },
} as const;

describe.each(['pagerduty', 'slack', 'webhook'] as const)('the contract of a channel over HTTP: %s', (type) => {
  let receiver: SlackStandIn | WebhookReceiver;
  let channel: Channel;
  const secrets = ['s3cr3tw0rd0fth3w3bh00k', 'hmac-key-of-the-hook'];

  beforeEach(async () => {
    const service = await SERVICES[type]();
    receiver = service.receiver;
    channel = plugin(type).open(service.config, contextWith());
  });
  afterEach(() => receiver.stop());

  it('sends once and returns a receipt', async () => {
    expect(await channel.send(ALERT, AbortSignal.timeout(5_000))).not.toBe('');
    expect(receiver.messages).toHaveLength(1);
    expect(receiver.requests).toBe(1);
  });

  it.each([
    ['429 with a wait', { status: 429, headers: { 'retry-after': '7' } }, 'overloaded', 7_000],
    ['500', { status: 500, body: '<html>s3cr3tw0rd0fth3w3bh00k</html>' }, 'transient', undefined],
    ['503 with a wait', { status: 503, headers: { 'retry-after': '3' } }, 'transient', 3_000],
    ['400', { status: 400, body: 'invalid_payload' }, 'permanent', undefined],
    [
      '403 that echoes the address',
      { status: 403, body: 'no access to /services/T0001/B0001/s3cr3tw0rd0fth3w3bh00k' },
      'permanent',
      undefined,
    ],
    ['404', { status: 404 }, 'permanent', undefined],
    ['a redirect elsewhere', { status: 307, headers: { location: 'http://localhost:1/x' } }, 'permanent', undefined],
    ['a connection that breaks', 'reset', 'transient', undefined],
  ] as const)(
    '%s: a fault of the right kind, once, without secrets',
    async (_what, misbehaviour, kind, retryAfterMs) => {
      receiver.misbehave(misbehaviour);
      const fault = await faultOf(channel.send(ALERT, AbortSignal.timeout(5_000)));
      expect([fault.kind, fault.retryAfterMs]).toEqual([kind, retryAfterMs]);
      expect(receiver.requests).toBe(1);
      const everything = `${describeError(fault)} ${fault.stack ?? ''} ${JSON.stringify(fault)} ${String(fault.cause)}`;
      for (const secret of secrets) expect(everything).not.toContain(secret);
    },
  );

  it('stops when it is told to, also when nothing answers', async () => {
    receiver.misbehave('hang');
    const abort = new AbortController();
    const sending = channel.send(ALERT, abort.signal);
    await receiver.requested(1);
    abort.abort(new Error('stopping'));
    await expect(sending).rejects.toThrow('stopping');
    await expect(channel.send(ALERT, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(receiver.messages).toHaveLength(0);
  });

  it('says transient when nobody listens', async () => {
    await receiver.stop();
    const fault = await faultOf(channel.send(ALERT, AbortSignal.timeout(5_000)));
    expect(fault.kind).toBe('transient');
    for (const secret of secrets) expect(String(fault.cause) + fault.message).not.toContain(secret);
  });

  it('has nothing to say about an incident that it can not carry', async () => {
    const hostile = `${'<!channel> @here & ``` *`_ '.repeat(500)}\u202E\u0000`;
    const incident = {
      ...ALERT.incident,
      prompt: 'p'.repeat(1_024),
      summary: hostile,
      changedBy: hostile,
      owner: hostile,
      target: hostile,
      environment: hostile,
      diff: `--- a\n+++ b\n@@ -1 +1 @@\n-${hostile}\n+${'<&>'.repeat(3_000)}`,
    };
    const restoreCommand = `plumbline restore '${'&'.repeat(1_024)}'`;
    const alert = { ...ALERT, incident, restoreCommand };
    const like = (index: number) => ({ ...alert, incident: { ...incident, diff: `${incident.diff} ${index}` } });
    await channel.send(alert, AbortSignal.timeout(60_000));
    for (const count of [2, 4, 200]) {
      const alerts = Array.from({ length: count }, (_, index) => like(index));
      const group = { id: 'together', alerts, restoreCommand: 'x --alert together', showCommand: 'x', url: null };
      await channel.sendTogether?.(group, AbortSignal.timeout(60_000));
    }
    expect(receiver.messages).toHaveLength(type === 'slack' ? 4 : 1);
    if (type !== 'slack') return;
    const sent = JSON.stringify(receiver.messages);
    expect(sent).not.toContain('<!channel>');
    // Slack must not read mentions into plain text.
    expect(sent.match(/"mrkdwn"/g)).toHaveLength(sent.match(/"verbatim":true/g)?.length ?? 0);
    expect(sent).not.toContain('plumbline restore');
  });
});

describe('slack', () => {
  it('says what to do when the webhook was removed', async () => {
    const slack = await SlackStandIn.start();
    slack.remove();
    const channel = plugin('slack').open({ webhook_url: slack.url }, contextWith());
    const fault = await faultOf(channel.send(ALERT, AbortSignal.timeout(5_000)));
    expect(fault.message).toMatch(/answered 404: no_service\.$/);
    expect(fault.kind).toBe('config');
    expect(fault.hint).toContain('create a new one');
    await slack.stop();
  });
});

describe('pagerduty', () => {
  let service: PagerDutyStandIn;
  beforeEach(async () => {
    service = await PagerDutyStandIn.start();
  });
  afterEach(() => service.stop());

  const open = (routingKey = service.routingKey) =>
    plugin('pagerduty').open({ routing_key: routingKey, url: service.url }, contextWith());
  const send = (alert: Partial<Alert>, channel = open()) =>
    channel.send({ ...ALERT, ...alert }, AbortSignal.timeout(5_000));

  it('has one alert there for each incident here, from its opening to its end, and a new one when it comes back', async () => {
    await send({});
    await send({ transition: 'escalated' });
    await send({ incident: { ...ALERT.incident, id: 'another' } });
    const statuses = () => service.alerts.map(({ status, triggers }) => [status, triggers]);
    expect(statuses()).toEqual([
      ['triggered', 2],
      ['triggered', 1],
    ]);
    await send({ transition: 'resolved' });
    await send({ transition: 'reopened' });
    expect(statuses()).toEqual([
      ['resolved', 2],
      ['triggered', 1],
      ['triggered', 1],
    ]);
    expect(new Set(service.alerts.map(({ dedupKey }) => dedupKey)).size).toBe(2);
  });

  it('says what to do about a key that PagerDuty does not know, and never repeats it', async () => {
    const key = '0123456789abcdef0123456789abcdef';
    const fault = await faultOf(send({}, open(key)));
    expect(fault.kind).toBe('config');
    expect(fault.message).toMatch(/answered 400: Invalid event: Invalid routing key\.$/);
    expect(fault.hint).toContain('Integration Key');
    service.misbehave({ status: 400, body: JSON.stringify({ message: `no routing key ${service.routingKey}` }) });
    expect(describeError(await faultOf(send({})))).not.toContain(service.routingKey);
  });

  it('takes no key that can not be one', () => {
    expect(plugin('pagerduty').config.safeParse({ routing_key: 'env-was-not-set' }).error?.issues[0]).toMatchObject({
      path: ['routing_key'],
      message: 'must be an integration key of 32 letters and digits',
    });
  });
});

describe('webhook', () => {
  it('signs the body and names the delivery, and leaves the signature out without a secret', async () => {
    const receiver = await WebhookReceiver.start();
    await plugin('webhook')
      .open({ url: receiver.url, secret: 'k' }, contextWith())
      .send(ALERT, AbortSignal.timeout(5_000));
    await plugin('webhook').open({ url: receiver.url }, contextWith()).send(ALERT, AbortSignal.timeout(5_000));
    const [signed, plain] = receiver.raw;
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(signed?.headers['x-plumbline-signature'])) ?? [];
    expect(hex).toBe(createHmac('sha256', 'k').update(`${seconds}.${signed?.body}`).digest('hex'));
    expect(Number(seconds) * 1_000).toBe(Date.parse('2026-11-20T02:41:42Z'));
    expect(signed?.headers['x-plumbline-delivery']).toBe('d3l1v3ry');
    expect(plain?.headers['x-plumbline-signature']).toBeUndefined();
    await receiver.stop();
  });
});

describe('console', () => {
  it('paints only when it may, and lets no control character through', async () => {
    const printed: string[] = [];
    const incident = {
      ...ALERT.incident,
      owner: 'eve\u001B[2J',
      diff: `${ALERT.incident.diff}\n+\u001B]0;title\u0007`,
    };
    const alert = { ...ALERT, incident };
    await plugin('console').open({}, contextWith(printed)).send(alert, AbortSignal.timeout(1_000));
    await plugin('console')
      .open({}, { ...contextWith(printed), colour: true })
      .send(alert, AbortSignal.timeout(1_000));
    const [plain = '', painted = ''] = printed;
    // oxlint-disable-next-line no-control-regex
    expect(plain).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
    expect(painted).toContain('\u001B[32m+');
    // oxlint-disable-next-line no-control-regex
    expect(painted.replaceAll(/\u001B\[\d+m/g, '')).toBe(plain);
  });

  it('prints nothing when it was told to stop', async () => {
    const printed: string[] = [];
    const channel = plugin('console').open({}, contextWith(printed));
    await expect(channel.send(ALERT, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(printed).toEqual([]);
  });
});
