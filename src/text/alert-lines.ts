/**
 * An alert, or several that leave together, as lines of text: for a console, and for whoever reads mail as text. Pure.
 */

import type { AlertFacts } from './alert-facts.ts';
import { type PlaceFacts, PLACES_MAX } from './group-facts.ts';
import { revealHidden } from './invisible.ts';
import { shortenDiff } from './shorten-diff.ts';

/** All that is told: what it is about, and where it is more than one place, each of them. */
export interface AlertStory extends AlertFacts {
  readonly places: readonly PlaceFacts[];
  /** The page that shows it. */
  readonly url: string | null;
}

export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string;

/** About a screen. */
const DIFF_BYTES_MAX = 3_000;
const LABEL_CHARACTERS = 16;

/** Without the heading. */
export function alertLines(story: AlertStory, paint: Paint = (_style, text) => text): readonly string[] {
  const labelled = (label: string, value: string): string =>
    `  ${paint('dim', label.padEnd(LABEL_CHARACTERS))}${value}`;
  return [
    paint('bold', oneLine(story.summary)),
    '',
    ...story.fields.map(({ label, value }) => labelled(label, oneLine(value))),
    ...diffLines(story, paint),
    '',
    ...placeLines(story, paint),
    ...story.commands.map(({ label, command }) => labelled(label, paint('bold', oneLine(command)))),
    ...(story.url === null ? [] : [labelled('Page', oneLine(story.url))]),
  ];
}

function placeLines({ places }: AlertStory, paint: Paint): readonly string[] {
  if (places.length === 0) return [];
  const left = places.length - PLACES_MAX;
  return [
    ...places.slice(0, PLACES_MAX).flatMap((place) => {
      const incident = `incident ${place.incidentId}`;
      const way = place.restoreCommand === null ? incident : `${place.restoreCommand}   (${incident})`;
      return [
        `  ${paint('bold', oneLine(place.where))}: ${oneLine(place.words)}`,
        `    ${oneLine(way)}`,
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

/** Names come from configurations, sources and people: none may steer a terminal. */
export function oneLine(text: string): string {
  return revealHidden(text.replaceAll(/\s+/g, ' '));
}
