/** Writes alerts to the daemon's console as a block that a person reads in one go. */

import { z } from 'zod';
import { channelPlugin } from '../contract/channel.ts';
import { type AlertFacts, alertFacts } from '../text/alert-facts.ts';
import { groupFacts, type PlaceFacts, PLACES_MAX } from '../text/group-facts.ts';
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
    const print = (story: Story, signal: AbortSignal): string => {
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

interface Story extends AlertFacts {
  readonly places: readonly PlaceFacts[];
  readonly url: string | null;
}

function layOut(story: Story, paint: Paint): string {
  const style = TONE_STYLES[story.tone];
  const heading = ` ${story.heading} `;
  const rule = '━'.repeat(Math.max(3, RULE_CHARACTERS - heading.length - 3));
  const labelled = (label: string, value: string): string =>
    `  ${paint('dim', label.padEnd(LABEL_CHARACTERS))}${value}`;
  return [
    '',
    paint(style, `━━━${heading}${rule}`),
    paint('bold', clean(story.summary)),
    '',
    ...story.fields.map(({ label, value }) => labelled(label, clean(value))),
    ...diffLines(story, paint),
    '',
    ...placeLines(story, paint),
    ...story.commands.map(({ label, command }) => labelled(label, paint('bold', clean(command)))),
    ...(story.url === null ? [] : [labelled('Page', clean(story.url))]),
    paint(style, '━'.repeat(RULE_CHARACTERS)),
    '',
  ].join('\n');
}

function placeLines({ places }: Story, paint: Paint): readonly string[] {
  if (places.length === 0) return [];
  const left = places.length - PLACES_MAX;
  return [
    ...places.slice(0, PLACES_MAX).flatMap((place) => {
      const incident = `incident ${place.incidentId}`;
      const way = place.restoreCommand === null ? incident : `${place.restoreCommand}   (${incident})`;
      return [
        `  ${paint('bold', clean(place.where))}: ${clean(place.words)}`,
        `    ${clean(way)}`,
        ...(place.diff === '' ? [] : [...diffLines(place, paint), '']),
      ];
    }),
    ...(left > 0 ? [`  … and ${left} more`] : []),
    ...(places.at(-1)?.diff === '' ? [''] : []),
  ];
}

function diffLines({ diff }: Pick<AlertFacts, 'diff'>, paint: Paint): readonly string[] {
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
