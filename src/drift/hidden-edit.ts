/**
 * Finds edits that hide beside a variable: words that stand in every recent call where a variable's
 * value is, and stood in none before. What was always there is how such values are, and no edit. Pure.
 */

import {
  hasWords,
  isLongEnough,
  PLACES,
  SHARE_MIN,
  sharedWords,
  withoutNumbers,
  type Place,
  type SharedWords,
  type SlotValue,
} from '../attribution/index.ts';
import type { Timestamp } from '../contract/time.ts';
import { millisBetween } from '../lib/time.ts';

export interface SlotCapture extends SlotValue {
  readonly at: Timestamp;
  readonly instance: string;
  /** Equal for equal values. */
  readonly identity: string;
}

/** One variable of one version, in the calls of one service. */
export interface Slot {
  readonly version: string;
  readonly name: string;
  /** A variable may occur several times in a template: which of them, from 0. */
  readonly occurrence: number;
}

export interface HiddenEdit extends Slot {
  readonly shared: SharedWords;
  /** Of the calls that have the words, those that were looked at, newest first. */
  readonly seenAt: readonly Timestamp[];
  /** Different values among them. */
  readonly distinct: number;
  /** Calls before that were looked at, none of which has the words. */
  readonly before: number;
  /** The newest of those; null if it is not known. */
  readonly lastWithout: Timestamp | null;
}

// Twenty values that all share a phrase by chance are not to be expected; eight of them different
// shows that the variable does vary.
export const CAPTURES_MIN = 20;
const DISTINCT_MIN = 8;
const DURATION_MS_MIN = 60_000;
// Which words it is can't be looked at where only hashes are kept: what lasts longer is less likely one batch.
const UNSEEN_DURATION_MS_MIN = 10 * 60_000;
// Of what values have always begun with, less than this is chance. `Name: ` counts.
const USUAL_CHARACTERS_MIN = 2;
// A byte of a hash is the same by chance in one of 256 values.
const CHANCE_SHARE_MAX = 0.05;

/**
 * Where an edit can stand: before a variable or behind it; and within what fills a gap only where
 * that is several variables without text between them.
 */
export function placesIn({ name }: Slot): readonly Place[] {
  return name.includes(' + ') ? PLACES : ['start', 'end'];
}

/** Words that all recent calls have, and the captures before the first of them. */
export interface RecentWords {
  readonly shared: SharedWords;
  /** Newest first. */
  readonly run: readonly SlotCapture[];
  readonly earlier: readonly SlotCapture[];
}

/** Captures newest first. Null: recent values have nothing in common there, or too few were seen. */
export function recentWords(captures: readonly SlotCapture[], where: Place): RecentWords | null {
  const newest = captures.slice(0, CAPTURES_MIN);
  if (newest.length < CAPTURES_MIN) return null;
  const found = sharedWords(newest, where);
  if (found === null) return null;
  const first = captures.findLastIndex((capture) => hasWords(capture, found));
  const run = captures.slice(0, first + 1);
  const having = run.filter((capture) => hasWords(capture, found));
  if (having.length < run.length * SHARE_MIN) return null;
  if (distinctValues(having) < DISTINCT_MIN) return null;
  const durationMsMin = found.words === null ? UNSEEN_DURATION_MS_MIN : DURATION_MS_MIN;
  if (millisBetween((run.at(-1) as SlotCapture).at, (run[0] as SlotCapture).at) < durationMsMin) return null;
  // All of them agree on less than the newest do by chance.
  const shared = sharedWords(run, where);
  return shared === null ? null : { shared, run, earlier: captures.slice(first + 1) };
}

/**
 * Whether words that all recent calls have are an addition to what came before. `earlier`: captures
 * from before the first of them, newest first. Null also where too little came before to tell.
 */
export function hiddenEdit(slot: Slot, recent: RecentWords, earlier: readonly SlotCapture[]): HiddenEdit | null {
  if (!tellsApart(earlier)) return null;
  const having = earlier.filter((capture) => hasWords(capture, recent.shared)).length;
  if (having > (recent.shared.words === null ? earlier.length * CHANCE_SHARE_MAX : 0)) return null;
  const added = addedWords(recent, earlier);
  return added === null ? null : editOf(slot, { ...recent, shared: added }, earlier);
}

/**
 * Words that an earlier look found already: its incident knows of the calls before, also when those
 * are too long ago by now. Null: these are others.
 */
export function hiddenEditStill(slot: Slot, recent: RecentWords, told: SharedWords): HiddenEdit | null {
  const { shared, run } = recent;
  if (told.where !== shared.where) return null;
  const having = run.filter((capture) => hasWords(capture, told)).length;
  return having < run.length * SHARE_MIN ? null : editOf(slot, { ...recent, shared: told }, []);
}

/** Whether enough of these captures vary enough to say how the values of this variable are. */
export function tellsApart(earlier: readonly SlotCapture[]): boolean {
  return earlier.length >= CAPTURES_MIN && distinctValues(earlier) >= DISTINCT_MIN;
}

function editOf(slot: Slot, { shared, run }: RecentWords, earlier: readonly SlotCapture[]): HiddenEdit {
  const having = run.filter((capture) => hasWords(capture, shared));
  const { version, name, occurrence } = slot;
  return {
    version,
    name,
    occurrence,
    shared,
    seenAt: having.map(({ at }) => at),
    distinct: distinctValues(having),
    before: earlier.length,
    lastWithout: earlier[0]?.at ?? null,
  };
}

/**
 * The words without what such values have always begun or ended with. An edit of the text beside a
 * variable stands outside of that; words that took its place are another value (the day's date, the
 * customer of a batch), and no edit: null.
 */
function addedWords({ shared, run }: RecentWords, earlier: readonly SlotCapture[]): SharedWords | null {
  const { where } = shared;
  const nearest = earlier.slice(0, CAPTURES_MIN);
  const usual = where === 'inside' ? sharedWords(nearest, where) : sharedWords(nearest, where, USUAL_CHARACTERS_MIN);
  if (usual === null) return shared;
  if (where === 'inside') {
    const kept = run.filter((capture) => hasWords(capture, usual)).length;
    return kept < run.length * SHARE_MIN ? null : shared;
  }
  // What they were can't be told from bytes of hashes.
  if (shared.words === null || usual.words === null) return null;
  return beyondUsual(where, shared.words, usual.words);
}

const SEAM_CHARACTERS_MIN = 9;

/** What stands outside of where the usual words begin or end; null if those are gone. */
function beyondUsual(where: 'start' | 'end', words: string, usual: string): SharedWords | null {
  const [now, always] = [withoutNumbers(words), withoutNumbers(usual)];
  // Of long usual words some may vary by now: as much as is left of them at the seam.
  const leftMin = Math.min(always.length, SEAM_CHARACTERS_MIN);
  for (let size = Math.min(now.length, always.length); size >= leftMin; size -= 1) {
    const isSeam =
      where === 'start' ? now.endsWith(always.slice(0, size)) : now.startsWith(always.slice(always.length - size));
    if (!isSeam) continue;
    const added = where === 'start' ? words.slice(0, words.length - size) : words.slice(size);
    return isLongEnough(added) ? { where, words: added } : null;
  }
  return null;
}

function distinctValues(captures: readonly SlotCapture[]): number {
  return new Set(captures.map(({ identity }) => identity)).size;
}
