/** Writes an alert to the daemon's console as a block that a person reads in one go. */

import { z } from 'zod';
import { type Alert, channelPlugin } from '../contract/channel.ts';
import { type AlertFacts, alertFacts } from '../text/alert-facts.ts';
import { revealHidden } from '../text/invisible.ts';
import { shortenDiff } from '../text/shorten-diff.ts';

const Config = z.strictObject({});

/** About a screen. */
const DIFF_BYTES_MAX = 3_000;
const LABEL_CHARACTERS = 16;
const RULE_CHARACTERS = 72;

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Paint = (style: keyof typeof STYLES, text: string) => string;

const TONE_STYLES = { critical: 'red', warning: 'yellow', info: 'cyan', good: 'green' } as const;

export const console = channelPlugin({
  type: 'console',
  summary: "Prints alerts to the daemon's own console.",
  config: Config,
  example: {},
  create: (_config, context) => {
    const paint: Paint =
      context.colour === true ? (style, text) => `\u001B[${STYLES[style]}m${text}\u001B[0m` : (_style, text) => text;
    return {
      send: async (alert, signal) => {
        signal.throwIfAborted();
        context.print(layOut(alert, paint));
        return 'printed';
      },
    };
  },
});

function layOut(alert: Alert, paint: Paint): string {
  const facts = alertFacts(alert);
  const style = TONE_STYLES[facts.tone];
  const heading = ` ${facts.heading} `;
  const rule = '━'.repeat(Math.max(3, RULE_CHARACTERS - heading.length - 3));
  return [
    '',
    paint(style, `━━━${heading}${rule}`),
    paint('bold', clean(facts.summary)),
    '',
    ...facts.fields.map(({ label, value }) => `  ${paint('dim', label.padEnd(LABEL_CHARACTERS))}${clean(value)}`),
    ...diffLines(facts, paint),
    '',
    ...facts.commands.map(
      ({ label, command }) => `  ${paint('dim', label.padEnd(LABEL_CHARACTERS))}${paint('bold', clean(command))}`,
    ),
    ...(alert.url === null ? [] : [`  ${paint('dim', 'Page'.padEnd(LABEL_CHARACTERS))}${clean(alert.url)}`]),
    paint(style, '━'.repeat(RULE_CHARACTERS)),
    '',
  ].join('\n');
}

function diffLines({ diff }: AlertFacts, paint: Paint): readonly string[] {
  if (diff === '') return [];
  const lines = shortenDiff(diff, DIFF_BYTES_MAX).split('\n');
  return [
    '',
    ...lines.map(
      (line, index) => `  ${index < 2 ? paint('bold', revealHidden(line)) : paintDiff(revealHidden(line), paint)}`,
    ),
  ];
}

function paintDiff(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line.startsWith('@@') ? paint('cyan', line) : line;
}

/** Names come from configurations, sources and people: none may steer the terminal. */
function clean(text: string): string {
  return revealHidden(text.replaceAll(/\s+/g, ' '));
}
