/** Sends alerts by mail, over SMTP: as text and as HTML, all of one incident in one thread. */

import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { type Alert, type AlertGroup, channelPlugin } from '../contract/channel.ts';
import { Fault } from '../contract/fault.ts';
import { isLoopback } from '../lib/loopback.ts';
import { alertFacts } from '../text/alert-facts.ts';
import { alertHtml } from '../text/alert-html.ts';
import { alertLines, type AlertStory, oneLine } from '../text/alert-lines.ts';
import { cut } from '../text/cut.ts';
import { groupFacts } from '../text/group-facts.ts';

const RECIPIENTS_MAX = 50;
const SUBJECT_CHARACTERS_MAX = 200;
const ANSWER_CHARACTERS_MAX = 300;
const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;

const Address = z.email();
const Config = z.strictObject({
  /** `smtp://USER:PASSWORD@HOST:PORT`, or `smtps://` where TLS comes first. */
  url: z.url({ protocol: /^smtps?$/ }),
  from: Address,
  to: z.union([Address, z.array(Address).min(1).max(RECIPIENTS_MAX)]),
});
type Config = z.output<typeof Config>;

export const email = channelPlugin({
  type: 'email',
  summary: 'Sends alerts by mail, over SMTP.',
  config: Config,
  example: {
    url: 'smtp://plumbline:a-password@mail.example.com:587',
    from: 'plumbline@example.com',
    to: ['support-team@example.com'],
  },
  create: (config) => ({
    send: (alert, signal) => send(config, mailOf(config, alert), signal),
    sendTogether: (group, signal) => send(config, mailOfGroup(config, group), signal),
  }),
});

interface Mail {
  readonly messageId: string;
  readonly references?: string;
  readonly story: AlertStory;
}

function mailOf({ from }: Config, alert: Alert): Mail {
  return {
    messageId: idOf(alert.deliveryId, from),
    // Nobody has this one: mail programs show together what refers to the same.
    references: idOf(`incident-${alert.incident.id}`, from),
    story: { ...alertFacts(alert), places: [], url: alert.url },
  };
}

function mailOfGroup({ from }: Config, group: AlertGroup): Mail {
  return { messageId: idOf(group.id, from), story: { ...groupFacts(group), url: group.url } };
}

function idOf(name: string, from: string): string {
  return `<${name}@${from.slice(from.indexOf('@') + 1)}>`;
}

async function send(config: Config, mail: Mail, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const { host, username, hostname } = new URL(config.url);
  const transport = createTransport({
    url: config.url,
    // A password is not sent where anybody on the way can read it, whatever the server says that it can.
    requireTLS: username !== '' && !isLoopback(hostname),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { story, messageId, references } = mail;
  try {
    const { response, rejected } = await transport.sendMail({
      from: { name: 'Plumbline', address: config.from },
      to: [config.to].flat(),
      subject: subjectOf(story),
      text: `${alertLines(story).join('\n')}\n`,
      html: alertHtml(story),
      messageId,
      ...(references === undefined ? {} : { references }),
      // No answering machine answers to this, https://www.rfc-editor.org/rfc/rfc3834.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      signal,
    });
    const refused = rejected.length === 0 ? '' : `; refused for ${rejected.map(String).join(', ')}`;
    return `${shortened(response)}${refused}`;
  } catch (error) {
    throw signal.aborted ? signal.reason : faultOf(host, error);
  }
}

function subjectOf({ tone, heading, summary }: AlertStory): string {
  const mark = tone === 'good' ? '' : `[${tone}] `;
  return cut(`${mark}${oneLine(heading)}: ${oneLine(summary)}`, SUBJECT_CHARACTERS_MAX);
}

/** What the library says of a failure, https://nodemailer.com/errors. */
const Failure = z.object({
  code: z.string().catch(''),
  message: z.string().catch(''),
  response: z.string().catch(''),
  responseCode: z.number().catch(0),
});

function faultOf(host: string, error: unknown): Fault {
  const { code, message, response, responseCode } = Failure.parse(error);
  const isLater = responseCode >= 400 && responseCode < 500;
  if (code === 'EAUTH') {
    // Nothing is repeated of what was said: it may echo what we sent.
    return new Fault(isLater ? 'transient' : 'config', `${host} did not take the user and the password.`, {
      hint: 'Check them in `url`; signs like @ and / are written there as %40 and %2F.',
    });
  }
  if (/certificate|self-signed/i.test(message)) {
    return new Fault('config', `${host} has a certificate that is not trusted: ${shortened(message)}.`, {
      hint: 'Name the server as its certificate does, or add its authority by NODE_EXTRA_CA_CERTS.',
    });
  }
  if (code === 'ETLS') {
    return new Fault('transient', `${host} offers no TLS, or it failed: ${shortened(message)}.`, {
      hint: 'With a user, TLS is a must: use the port for submission (587), or smtps:// (465).',
    });
  }
  if (responseCode >= 500) {
    const words = `${host} answered ${shortened(response)}.`;
    // Sender and recipients are the same for whatever is sent; a message may be refused for what is in it.
    return code === 'EENVELOPE'
      ? new Fault('config', words, {
          hint: 'Check `from` and `to`, and whether the server lets this user send to them.',
        })
      : new Fault('permanent', words);
  }
  return new Fault('transient', `${host}: ${shortened(response === '' ? message : response)}.`);
}

function shortened(answer: string): string {
  return cut(oneLine(answer).trim().replace(/\.$/, ''), ANSWER_CHARACTERS_MAX);
}
