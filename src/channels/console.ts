/** Writes alerts to the daemon's console as a block that a person reads in one go. */

import { z } from 'zod';
import { channelPlugin } from '../contract/channel.ts';
import { alertFacts } from '../text/alert-facts.ts';
import { alertLines, type AlertStory, type Paint } from '../text/alert-lines.ts';
import { groupFacts } from '../text/group-facts.ts';

const Config = z.strictObject({});

const RULE_CHARACTERS = 72;

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

const TONE_STYLES = { critical: 'red', warning: 'yellow', info: 'cyan', good: 'green' } as const;

export const console = channelPlugin({
  type: 'console',
  summary: "Prints alerts to the daemon's own console.",
  config: Config,
  example: {},
  create: (_config, context) => {
    const paint: Paint =
      context.colour === true ? (style, text) => `\u001B[${STYLES[style]}m${text}\u001B[0m` : (_style, text) => text;
    const print = (story: AlertStory, signal: AbortSignal): string => {
      signal.throwIfAborted();
      context.print(layOut(story, paint));
      return 'printed';
    };
    return {
      send: async (alert, signal) => print({ ...alertFacts(alert), places: [], url: alert.url }, signal),
      sendTogether: async (group, signal) => print({ ...groupFacts(group), url: group.url }, signal),
    };
  },
});

function layOut(story: AlertStory, paint: Paint): string {
  const style = TONE_STYLES[story.tone];
  const heading = ` ${story.heading} `;
  const rule = '━'.repeat(Math.max(3, RULE_CHARACTERS - heading.length - 3));
  return [
    '',
    paint(style, `━━━${heading}${rule}`),
    ...alertLines(story, paint),
    paint(style, '━'.repeat(RULE_CHARACTERS)),
    '',
  ].join('\n');
}
