import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { email } from '../../src/channels/email.ts';
import type { Alert } from '../../src/contract/channel.ts';
import { describeError } from '../../src/contract/fault.ts';
import { MailServer } from '../support/mail-server.ts';
import { ALERT, faultOf } from './an-alert.ts';

const PASSWORD = 'p@ss/w0rd-0f-the-mail';
const CREDENTIALS = `plumbline:${encodeURIComponent(PASSWORD)}`;

let server: MailServer;
beforeEach(async () => {
  server = await MailServer.start();
});
afterEach(() => server.stop());

function open(url = server.url(), to: string | readonly string[] = 'team@example.com') {
  const context = { name: 'mail', fetch: globalThis.fetch, print: () => {} };
  return email.open({ url, from: 'plumbline@example.com', to }, context);
}

const send = (alert: Partial<Alert> = {}, channel = open()): Promise<string> =>
  channel.send({ ...ALERT, ...alert }, AbortSignal.timeout(20_000));

describe('mail', () => {
  it('is sent to all, says by its headers what it is, and its receipt is the answer of the server', async () => {
    const receipt = await send({}, open(server.url(), ['team@example.com', 'ada@example.org']));
    expect(receipt).toBe('250 queued as 1');
    const [mail] = await server.inbox();
    expect(mail?.recipients).toEqual(['team@example.com', 'ada@example.org']);
    expect(mail?.from).toMatchObject({ name: 'Plumbline', address: 'plumbline@example.com' });
    expect(mail?.messageId).toBe('<d3l1v3ry@example.com>');
    expect(mail?.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }));
  });

  it('is one thread for each incident', async () => {
    await send();
    await send({ transition: 'resolved', deliveryId: 'later' });
    await send({ incident: { ...ALERT.incident, id: 'another' }, deliveryId: 'other' });
    const mails = await server.inbox();
    const [opened, resolved, other] = mails;
    expect(resolved?.references).toBe(opened?.references);
    expect(other?.references).not.toBe(opened?.references);
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(3);
  });

  it('can not be steered by what places and people say', async () => {
    const hostile = `<img src=x onerror=alert(1)>\r\nBcc: eve@example.com\u202E\u0000 ${'<&">'.repeat(500)}`;
    const incident = {
      ...ALERT.incident,
      summary: hostile,
      changedBy: hostile,
      owner: hostile,
      target: hostile,
      environment: hostile,
      diff: `--- a\n+++ b\n@@ -1 +1 @@\n-${hostile}\n+${'<&>'.repeat(3_000)}`,
    };
    await send({ incident, restoreCommand: `plumbline restore '${hostile}'`, url: 'https://x.example/"><script>' });
    const alerts = Array.from({ length: 30 }, () => ({ ...ALERT, incident }));
    await open().sendTogether?.(
      { id: 'together', alerts, restoreCommand: hostile, showCommand: 'x', url: null },
      AbortSignal.timeout(20_000),
    );
    const mails = await server.inbox();
    expect(mails).toHaveLength(2);
    for (const { html, subject, recipients, bcc } of mails) {
      expect(html).not.toMatch(/<(?:img|script)/);
      expect(subject).not.toMatch(/[\r\n\u202E]/);
      expect([recipients, bcc]).toEqual([['team@example.com'], undefined]);
    }
  });
});

describe('a mail server', () => {
  it.each([
    ['that does not know the recipient', { at: 'recipient', code: 550, words: '5.1.1 no such user' }, 'config'],
    ['that defers the recipient', { at: 'recipient', code: 450, words: '4.2.1 later' }, 'transient'],
    ['that refuses the message', { at: 'message', code: 554, words: '5.7.1 looks like spam' }, 'permanent'],
    ['that is full', { at: 'message', code: 452, words: '4.3.1 no room' }, 'transient'],
  ] as const)('%s: a fault of the right kind, with its words', async (_what, trouble, kind) => {
    server.misbehave(trouble);
    const fault = await faultOf(send());
    expect(fault.kind).toBe(kind);
    expect(fault.message).toContain(`${trouble.code} ${trouble.words}`);
    expect(await server.inbox()).toEqual([]);
    expect(server.connections).toBe(1);
  });

  it('that refuses one of two recipients: the other has it, and the receipt says so', async () => {
    server.misbehave({ at: 'recipient', code: 550, words: '5.1.1 no such user', of: 'gone@example.com' });
    const receipt = await send({}, open(server.url(), ['gone@example.com', 'team@example.com']));
    expect(receipt).toBe('250 queued as 1; refused for gone@example.com');
    expect((await server.inbox())[0]?.recipients).toEqual(['team@example.com']);
  });

  it('that says nothing is not waited for when the daemon stops', async () => {
    server.misbehave('hang');
    const abort = new AbortController();
    const sending = open().send(ALERT, abort.signal);
    await server.connected(1);
    abort.abort(new Error('stopping'));
    await expect(sending).rejects.toThrow('stopping');
    await expect(open().send(ALERT, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(await server.inbox()).toEqual([]);
  });

  it('that breaks off: transient, and it is not asked again at once', async () => {
    server.misbehave('reset');
    expect((await faultOf(send())).kind).toBe('transient');
    expect(server.connections).toBe(1);
  });

  it('that is away: transient', async () => {
    const channel = open();
    await server.stop();
    expect((await faultOf(send({}, channel))).kind).toBe('transient');
    server = await MailServer.start();
  });

  it('is told user and password, which are in no error', async () => {
    const guarded = await MailServer.start({ password: PASSWORD });
    await send({}, open(guarded.url('127.0.0.1', CREDENTIALS)));
    expect(await guarded.inbox()).toHaveLength(1);
    const wrong = CREDENTIALS.replace('0rd', '0rds');
    const fault = await faultOf(send({}, open(guarded.url('127.0.0.1', wrong))));
    expect(fault.kind).toBe('config');
    expect(fault.hint).toContain('`url`');
    expect(`${describeError(fault)} ${fault.stack ?? ''} ${String(fault.cause)}`).not.toContain('w0rds');
    await guarded.stop();
  });

  it('elsewhere is told no password without TLS', async () => {
    const guarded = await MailServer.start({ password: PASSWORD });
    const fault = await faultOf(send({}, open(guarded.url('0.0.0.0', CREDENTIALS))));
    expect(fault.message).toContain('offers no TLS');
    expect(fault.hint).toContain('587');
    expect(await guarded.inbox()).toEqual([]);
    await guarded.stop();
  });

  it('with a certificate that nobody trusts: says what to do', async () => {
    const guarded = await MailServer.start({ password: PASSWORD, tls: true });
    const fault = await faultOf(send({}, open(guarded.url('0.0.0.0', CREDENTIALS))));
    expect(fault.kind).toBe('config');
    expect(fault.message).toContain('certificate that is not trusted');
    expect(fault.hint).toContain('NODE_EXTRA_CA_CERTS');
    await guarded.stop();
  });
});
