/** Posts alerts to a Slack incoming webhook: the whole story, diff included, in one message. */

import { IncomingWebhook, IncomingWebhookRequestError } from '@slack/webhook';
import { z } from 'zod';
import { type Alert, type AlertGroup, type ChannelContext, channelPlugin } from '../contract/channel.ts';
import { Fault } from '../contract/fault.ts';
import { statusFault } from '../lib/http.ts';
import { type AlertFacts, alertFacts } from '../text/alert-facts.ts';
import { groupFacts, type PlaceFacts, PLACES_MAX } from '../text/group-facts.ts';
import { revealHidden } from '../text/invisible.ts';
import { shortenDiff } from '../text/shorten-diff.ts';

const Config = z.strictObject({
  webhook_url: z.url({ protocol: /^https?$/ }),
});

// Slack's limits, https://docs.slack.dev/reference/block-kit/blocks: a header's text, a section's text and fields.
const HEADER_CHARACTERS_MAX = 150;
const SECTION_CHARACTERS_MAX = 3_000;
const FIELDS_PER_SECTION_MAX = 10;
/**
 * Of all blocks together. No page of Slack's says how much it takes: some 13,000 and once 11,300 were refused
 * (https://github.com/slackapi/bolt-js/issues/2509 and 2867).
 */
const TEXT_CHARACTERS_MAX = 10_000;
/** Slack takes 2,000; what is longer than this is no name, and the diff has its place. */
const FIELD_CHARACTERS_MAX = 500;
const SUMMARY_CHARACTERS_MAX = 1_000;
/** Half of a command is none. */
const COMMAND_CHARACTERS_MAX = 1_200;
/** Leaves room for the places. */
const SHARED_DIFF_CHARACTERS_MAX = 2_000;
const PLACE_DIFF_CHARACTERS_MAX = 1_200;
/** `… and 199 more`. */
const MORE_CHARACTERS_MAX = 40;
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
  create: (config, context) => ({
    send: (alert, signal) => post(config.webhook_url, context, messageOf(alert), signal),
    sendTogether: (group, signal) => post(config.webhook_url, context, groupMessageOf(group), signal),
  }),
});

async function post(url: string, context: ChannelContext, message: Message, signal: AbortSignal): Promise<string> {
  const webhook = new IncomingWebhook(url, {
    // The library's own errors lack Retry-After, and it takes no signal: both go in here.
    fetch: async (address, init) => {
      const response = await context.fetch(address, { ...init, signal });
      if (!response.ok) throw await refusal(url, response);
      return response;
    },
  });
  try {
    const { text } = await webhook.send(message);
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
  // What has a hint is about the webhook, whatever is sent to it.
  return new Fault(hint === undefined ? kind : 'config', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

interface Message {
  readonly text: string;
  readonly blocks: SlackBlock[];
}

function messageOf(alert: Alert): Message {
  const facts = alertFacts(alert);
  const page = alert.url === null ? '' : ` · ${link(alert.url, 'open in Plumbline')}`;
  const footer = `incident ${escaped(alert.incident.id)}${page}`;
  return layOut({ ...facts, subject: alert.incident.prompt, places: [] }, footer);
}

function groupMessageOf(group: AlertGroup): Message {
  const facts = groupFacts(group);
  const page = group.url === null ? '' : ` · ${link(group.url, 'open in Plumbline')}`;
  return layOut(facts, `${facts.places.length} incidents${page}`);
}

interface Story extends AlertFacts {
  readonly subject: string;
  readonly places: readonly PlaceFacts[];
}

/** The payload, within Slack's limits whatever the incidents hold. */
function layOut(story: Story, footer: string): Message {
  const { heading, subject, summary, places } = story;
  const title = cut(`${TONE_EMOJI[story.tone]} ${heading}: ${subject}`, HEADER_CHARACTERS_MAX);
  const head: SlackBlock[] = [
    { type: 'header', text: { type: 'plain_text', text: title, emoji: true } },
    section(`*${cut(escaped(summary), SUMMARY_CHARACTERS_MAX)}*`),
    ...fieldSections(story),
  ];
  const tail: SlackBlock[] = [
    section(story.commands.flatMap(({ label, command }) => commandCode(command, `${label}: `)).join('\n')),
    { type: 'context', elements: [mrkdwn(footer)] },
  ];
  let room = TEXT_CHARACTERS_MAX - charactersOf([...head, ...tail]);
  if (story.diff !== '') {
    const block = section(codeBlock(story.diff, places.length === 0 ? room : SHARED_DIFF_CHARACTERS_MAX));
    room -= charactersOf([block]);
    head.push(block);
  }
  let listed = 0;
  for (const place of places.slice(0, PLACES_MAX)) {
    const blocks = placeBlocks(place);
    room -= charactersOf(blocks);
    if (room < MORE_CHARACTERS_MAX) break;
    head.push(...blocks);
    listed += 1;
  }
  if (listed < places.length) head.push(section(`… and *${places.length - listed} more*`));
  return { text: cut(escaped(`${heading}: ${summary}`), FALLBACK_CHARACTERS_MAX), blocks: [...head, ...tail] };
}

function placeBlocks({ where, words, diff, restoreCommand, incidentId, url }: PlaceFacts): readonly SlackBlock[] {
  const incident = `incident ${escaped(incidentId)}`;
  const ways = [
    ...(restoreCommand === null ? [] : commandCode(restoreCommand)),
    url === null ? incident : link(url, incident),
  ];
  const said = `*${cut(escaped(where), FIELD_CHARACTERS_MAX)}*: ${cut(escaped(words), FIELD_CHARACTERS_MAX)}`;
  const block = section(`${said}\n${ways.join(' · ')}`);
  return diff === '' ? [block] : [block, section(codeBlock(diff, PLACE_DIFF_CHARACTERS_MAX))];
}

function charactersOf(blocks: readonly SlackBlock[]): number {
  const textsOf = (block: SlackBlock): readonly { readonly text: string }[] => {
    if ('elements' in block) return block.elements;
    return 'fields' in block ? block.fields : [block.text];
  };
  return blocks.flatMap(textsOf).reduce((sum, { text }) => sum + text.length, 0);
}

interface Text {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** Slack reads no mention or link into what names and people say, such as `@channel`. */
  readonly verbatim: true;
}

type SlackBlock =
  | {
      readonly type: 'header';
      readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: true };
    }
  | { readonly type: 'section'; readonly text: Text }
  | { readonly type: 'section'; readonly fields: Text[] }
  | { readonly type: 'context'; readonly elements: Text[] };

function mrkdwn(text: string): Text {
  return { type: 'mrkdwn', text: cut(text, SECTION_CHARACTERS_MAX), verbatim: true };
}

function section(text: string): SlackBlock {
  return { type: 'section', text: mrkdwn(text) };
}

function fieldSections({ fields }: AlertFacts): readonly SlackBlock[] {
  const texts = fields.map(({ label, value }) =>
    mrkdwn(cut(`*${escaped(label)}*\n${escaped(value)}`, FIELD_CHARACTERS_MAX)),
  );
  const sections: SlackBlock[] = [];
  for (let from = 0; from < texts.length; from += FIELDS_PER_SECTION_MAX) {
    sections.push({ type: 'section', fields: texts.slice(from, from + FIELDS_PER_SECTION_MAX) });
  }
  return sections;
}

/** Escaping makes text longer, so the diff is cut until what is sent fits. */
function codeBlock(diff: string, charactersMax: number): string {
  const fitMax = Math.min(charactersMax, SECTION_CHARACTERS_MAX);
  for (let bytesMax = fitMax - 8; ; bytesMax = Math.floor(bytesMax * 0.8)) {
    const block = `\`\`\`${escaped(shortenDiff(diff, bytesMax).replaceAll('```', "'''"))}\`\`\``;
    if (block.length <= fitMax || bytesMax < 200) return block;
  }
}

/** None where it is too long to be shown whole. */
function commandCode(command: string, label = ''): readonly string[] {
  // Not by a quote, which could end one of the shell's.
  const text = `${label}\`${escaped(command.replaceAll('`', '\u02CB'))}\``;
  return text.length > COMMAND_CHARACTERS_MAX ? [] : [text];
}

function link(url: string, words: string): string {
  return `<${escaped(url)}|${words}>`;
}

/** The three characters that Slack reads as markup, https://docs.slack.dev/messaging/formatting-message-text#escaping. */
function escaped(text: string): string {
  return revealHidden(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1).replace(/&[a-z]*$/, '')}…`;
}
