/** Posts an alert to a Slack incoming webhook: the whole story, diff included, in one message. */

import { IncomingWebhook, IncomingWebhookRequestError } from '@slack/webhook';
import { z } from 'zod';
import { type Alert, type ChannelContext, channelPlugin } from '../contract/channel.ts';
import { Fault } from '../contract/fault.ts';
import { statusFault } from '../lib/http.ts';
import { type AlertFacts, alertFacts } from '../text/alert-facts.ts';
import { revealHidden } from '../text/invisible.ts';
import { shortenDiff } from '../text/shorten-diff.ts';

const Config = z.strictObject({
  webhook_url: z.url({ protocol: /^https?$/ }),
});

// Slack's limits, https://docs.slack.dev/reference/block-kit/blocks: a header's text, one field, a section's text.
const HEADER_CHARACTERS_MAX = 150;
const FIELD_CHARACTERS_MAX = 2_000;
const SECTION_CHARACTERS_MAX = 3_000;
const FIELDS_PER_SECTION_MAX = 10;
/** Notifications show a line or two. */
const FALLBACK_CHARACTERS_MAX = 300;

const TONE_EMOJI = {
  critical: ':red_circle:',
  warning: ':large_orange_circle:',
  info: ':large_blue_circle:',
  good: ':white_check_mark:',
} as const;

/** What to do about the codes that Slack answers, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#errors. */
const HINTS: Readonly<Record<string, string>> = {
  no_service: 'The webhook was removed or switched off in Slack: create a new one and set its URL.',
  no_team: 'The workspace is gone: set the URL of a webhook in another one.',
  no_active_hooks: 'The webhook was switched off in Slack: create a new one and set its URL.',
  invalid_token: 'The URL is not a webhook of Slack: copy it again, completely.',
  channel_is_archived: 'Unarchive the Slack channel, or create a webhook for another one.',
  channel_not_found: 'The Slack channel is gone: create a webhook for another one.',
  action_prohibited: 'An administrator of the workspace restricts this webhook.',
  posting_to_general_channel_denied: 'Only some people may post there: create a webhook for another channel.',
};

export const slack = channelPlugin({
  type: 'slack',
  summary: 'Posts alerts, diff included, to a Slack incoming webhook.',
  config: Config,
  example: { webhook_url: 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX' },
  create: (config, context) => ({ send: (alert, signal) => post(config.webhook_url, context, alert, signal) }),
});

async function post(url: string, context: ChannelContext, alert: Alert, signal: AbortSignal): Promise<string> {
  const webhook = new IncomingWebhook(url, {
    // The library's own errors lack Retry-After, and it takes no signal: both go in here.
    fetch: async (address, init) => {
      const response = await context.fetch(address, { ...init, signal });
      if (!response.ok) throw await refusal(url, response);
      return response;
    },
  });
  try {
    const { text } = await webhook.send(messageOf(alert));
    return text;
  } catch (error) {
    throw error instanceof IncomingWebhookRequestError ? error.original : error;
  }
}

async function refusal(url: string, response: Response): Promise<Fault> {
  const text = (await response.text()).trim();
  // Slack answers with a code. Anything else (a proxy's page, an echo of the URL) is not repeated.
  const code = /^[a-z_]{1,60}$/.test(text) ? text : '';
  const { kind, message, retryAfterMs } = statusFault(url, response, code);
  const hint = HINTS[code];
  return new Fault(kind, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The payload, within Slack's limits whatever the incident holds. */
function messageOf(alert: Alert): { readonly text: string; readonly blocks: SlackBlock[] } {
  const facts = alertFacts(alert);
  const blocks: SlackBlock[] = [
    {
      type: 'header',
      text: {
        type: 'plain_text',
        text: cut(`${TONE_EMOJI[facts.tone]} ${facts.heading}: ${alert.incident.prompt}`, HEADER_CHARACTERS_MAX),
        emoji: true,
      },
    },
    section(`*${escaped(facts.summary)}*`),
    ...fieldSections(facts),
  ];
  if (facts.diff !== '') blocks.push(section(codeBlock(facts.diff)));
  // Not by a quote, which could end one of the shell's.
  const commands = facts.commands.map(
    ({ label, command }) => `${label}: \`${escaped(command.replaceAll('`', '\u02CB'))}\``,
  );
  blocks.push(section(commands.join('\n')));
  const page = alert.url === null ? '' : ` · <${escaped(alert.url)}|open in Plumbline>`;
  blocks.push({
    type: 'context',
    elements: [{ type: 'mrkdwn', text: `incident ${escaped(alert.incident.id)}${page}` }],
  });
  return { text: cut(escaped(`${facts.heading}: ${facts.summary}`), FALLBACK_CHARACTERS_MAX), blocks };
}

interface Text {
  readonly type: 'mrkdwn';
  readonly text: string;
}

type SlackBlock =
  | {
      readonly type: 'header';
      readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: true };
    }
  | { readonly type: 'section'; readonly text: Text }
  | { readonly type: 'section'; readonly fields: Text[] }
  | { readonly type: 'context'; readonly elements: Text[] };

function section(text: string): SlackBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: cut(text, SECTION_CHARACTERS_MAX) } };
}

function fieldSections({ fields }: AlertFacts): readonly SlackBlock[] {
  const texts = fields.map(({ label, value }): Text => ({
    type: 'mrkdwn',
    text: cut(`*${escaped(label)}*\n${escaped(value)}`, FIELD_CHARACTERS_MAX),
  }));
  const sections: SlackBlock[] = [];
  for (let from = 0; from < texts.length; from += FIELDS_PER_SECTION_MAX) {
    sections.push({ type: 'section', fields: texts.slice(from, from + FIELDS_PER_SECTION_MAX) });
  }
  return sections;
}

/** Escaping makes text longer, so the diff is cut until what is sent fits. */
function codeBlock(diff: string): string {
  for (let bytesMax = SECTION_CHARACTERS_MAX - 8; ; bytesMax = Math.floor(bytesMax * 0.8)) {
    const block = `\`\`\`${escaped(shortenDiff(diff, bytesMax).replaceAll('```', "'''"))}\`\`\``;
    if (block.length <= SECTION_CHARACTERS_MAX || bytesMax < 200) return block;
  }
}

/** The three characters that Slack reads as markup, https://docs.slack.dev/messaging/formatting-message-text#escaping. */
function escaped(text: string): string {
  return revealHidden(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1).replace(/&[a-z]*$/, '')}…`;
}
