/**
 * Sends alerts to PagerDuty's Events API v2. One incident here is one alert there: it is triggered, tells of more while
 * it is open, and is resolved, all under the same `dedup_key`.
 * https://developer.pagerduty.com/docs/send-alert-event
 */

import { z } from 'zod';
import { type Alert, type ChannelContext, channelPlugin } from '../contract/channel.ts';
import { Fault } from '../contract/fault.ts';
import { statusFault } from '../lib/http.ts';
import { millisFromTimestamp } from '../lib/time.ts';
import { alertFacts } from '../text/alert-facts.ts';
import { cut } from '../text/cut.ts';
import { revealHidden } from '../text/invisible.ts';
import { shortenDiff } from '../text/shorten-diff.ts';

const Config = z.strictObject({
  /** The integration key of a service, or of an event orchestration. */
  routing_key: z.string().regex(/^[0-9A-Za-z]{32}$/, 'must be an integration key of 32 letters and digits'),
  url: z.url({ protocol: /^https?$/ }).default('https://events.pagerduty.com/v2/enqueue'),
});
type Config = z.output<typeof Config>;

// PagerDuty's limits: of a summary, and 512 KB of an event. What is longer than the other two is no name and no command.
const SUMMARY_CHARACTERS_MAX = 1_024;
const NAME_CHARACTERS_MAX = 1_000;
const DETAIL_CHARACTERS_MAX = 8_000;
const DIFF_BYTES_MAX = 32_000;
const EVIDENCE_MAX = 20;

/** What is said of an event that is refused; anything else may be a proxy's page, or an echo of what was sent. */
const Refusal = z.object({ message: z.string().optional(), errors: z.array(z.string()).optional() });

export const pagerduty = channelPlugin({
  type: 'pagerduty',
  summary: 'Triggers and resolves alerts in PagerDuty, one for each incident.',
  config: Config,
  example: { routing_key: 'R0123456789ABCDEFGHIJKLMNOPQRSTU' },
  create: (config, context) => ({ send: (alert, signal) => enqueue(config, context, alert, signal) }),
});

async function enqueue(config: Config, context: ChannelContext, alert: Alert, signal: AbortSignal): Promise<string> {
  const event = { routing_key: config.routing_key, dedup_key: dedupKey(alert), ...eventOf(alert) };
  const response = await context.fetch(config.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'plumbline' },
    body: JSON.stringify(event),
    signal,
  });
  if (!response.ok) throw await refusal(config, response);
  await response.body?.cancel();
  return `status ${response.status}, ${event.dedup_key}`;
}

async function refusal({ url, routing_key: key }: Config, response: Response): Promise<Fault> {
  const body = (await response.text()).replaceAll(key, '(the key)');
  const said = Refusal.safeParse(parsed(body)).data;
  const words = [said?.message ?? '', ...(said?.errors ?? [])].filter((each) => each !== '').join(': ');
  const isPlain = /^[\w '"().,:;-]{1,300}$/.test(words);
  const { kind, message, hint, retryAfterMs } = statusFault(url, response, isPlain ? words : '');
  const isAboutKey = response.status === 400 && isPlain && /routing[_ ]key/i.test(words);
  const remedy = isAboutKey
    ? "Copy the Integration Key of an integration of the type 'Events API v2' in PagerDuty, and set it as routing_key."
    : hint;
  return new Fault(isAboutKey ? 'config' : kind, message, {
    ...(remedy === undefined ? {} : { hint: remedy }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Of all transitions of an incident the same, in every replica. */
function dedupKey({ incident }: Alert): string {
  return `plumbline-${incident.id}`;
}

function eventOf(alert: Alert): object {
  if (alert.transition === 'resolved') return { event_action: 'resolve' };
  const { incident, url, at } = alert;
  const { heading, summary, fields, commands, diff } = alertFacts(alert);
  const details = [
    ...fields.map(({ label, value }) => [label, shown(value, DETAIL_CHARACTERS_MAX)] as const),
    // Half of a command is none.
    ...commands
      .map(({ label, command }) => [label, revealHidden(command)] as const)
      .filter(([, command]) => command.length <= DETAIL_CHARACTERS_MAX),
    ...(diff === '' ? [] : [['Diff', revealHidden(shortenDiff(diff, DIFF_BYTES_MAX))] as const]),
    [
      'Evidence',
      incident.evidence.slice(0, EVIDENCE_MAX).map(({ words }) => shown(words, NAME_CHARACTERS_MAX)),
    ] as const,
  ];
  return {
    event_action: 'trigger',
    payload: {
      summary: shown(`${heading}: ${summary}`, SUMMARY_CHARACTERS_MAX),
      severity: incident.severity,
      source: shown(incident.target, NAME_CHARACTERS_MAX),
      component: shown(incident.prompt, NAME_CHARACTERS_MAX),
      group: shown(incident.environment, NAME_CHARACTERS_MAX),
      class: incident.verdict,
      timestamp: new Date(millisFromTimestamp(at)).toISOString(),
      custom_details: Object.fromEntries(details),
    },
    client: 'Plumbline',
    ...(url === null ? {} : { client_url: url, links: [{ href: url, text: 'Open in Plumbline' }] }),
  };
}

function shown(text: string, charactersMax: number): string {
  return cut(revealHidden(text), charactersMax);
}
