/** What traffic carried: calls, gathered into buckets, turned into one entry per service and content. Pure. */

import type { ContentHash } from '../contract/prompt.ts';
import type { UsedEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { millisBetween } from '../lib/time.ts';
import { timeWords } from '../text/time-words.ts';

/** Calls of one service with one content, within a short stretch of time. */
export interface CallBucket {
  readonly service: string;
  /** The registered version, when the text is an instance of it; null for any other text. */
  readonly version: string | null;
  /** Hash of the text; null for a registered version, whose variables make each call's text differ. */
  readonly hash: ContentHash | null;
  /** How the version is known, e.g. `exact`. */
  readonly attribution: string;
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly calls: number;
  readonly instances: number;
}

/** How far the calls were read. Beyond it nothing is known, so nothing is claimed. */
export interface CallWindow {
  readonly from: Timestamp;
  /** Null when all later ones were read. */
  readonly to: Timestamp | null;
}

interface Run {
  readonly buckets: readonly CallBucket[];
  readonly first: Timestamp;
  readonly last: Timestamp;
}

/**
 * A content that was not called for this long, while the service called another, had gone: when it
 * comes back that is a new entry. Shorter, it is one service with two contents at a time.
 */
const GONE_AFTER_MS = 15 * 60_000;

/** Oldest first. Text is left to the caller. */
export function usedEntries(buckets: readonly CallBucket[], window: CallWindow): readonly UsedEntry[] {
  const services = Map.groupBy(buckets, (bucket) => bucket.service);
  return [...services.values()].flatMap((ofService) => {
    const contents = Map.groupBy(ofService, contentKey);
    return [...contents.entries()].flatMap(([key, own]) => {
      const others = ofService.filter((bucket) => contentKey(bucket) !== key);
      const runs = runsOf(own, others);
      return runs.map((run, index) => entryOf(run, others, runs[index - 1], runs[index + 1], window));
    });
  });
}

function contentKey({ version, hash }: CallBucket): string {
  return JSON.stringify([version, hash]);
}

function runsOf(own: readonly CallBucket[], others: readonly CallBucket[]): readonly Run[] {
  const runs: Run[] = [];
  for (const bucket of own.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const run = runs.at(-1);
    if (run === undefined || hadGone(run.last, bucket.first, others)) {
      runs.push({ buckets: [bucket], first: bucket.first, last: bucket.last });
    } else {
      const last = bucket.last > run.last ? bucket.last : run.last;
      runs[runs.length - 1] = { buckets: [...run.buckets, bucket], first: run.first, last };
    }
  }
  return runs;
}

function hadGone(last: Timestamp, next: Timestamp, others: readonly CallBucket[]): boolean {
  if (millisBetween(last, next) <= GONE_AFTER_MS) return false;
  return others.some((other) => other.last > last && other.first < next);
}

function entryOf(
  run: Run,
  others: readonly CallBucket[],
  previous: Run | undefined,
  next: Run | undefined,
  window: CallWindow,
): UsedEntry {
  const [bucket] = run.buckets;
  const invocations = run.buckets.reduce((sum, { calls }) => sum + calls, 0);
  const from: TimeInterval = [lastBefore(run.first, others, previous), run.first];
  const until: TimeInterval = [run.last, firstAfter(run.last, others, next)];
  return {
    service: bucket?.service ?? '',
    version: bucket?.version ?? null,
    hash: bucket?.hash ?? null,
    text: null,
    from,
    until,
    invocations,
    evidence: evidenceOf(run, invocations, from, until, window),
  };
}

/**
 * The last call of the service with another content before this one began. Of a bucket that reaches
 * over that moment only its start is certain to be before.
 */
function lastBefore(time: Timestamp, others: readonly CallBucket[], previous: Run | undefined): Timestamp | null {
  let found = previous?.last ?? null;
  for (const { first, last } of others) {
    const before = last <= time ? last : first <= time ? first : null;
    if (before !== null && (found === null || before > found)) found = before;
  }
  return found;
}

/** The first call with another content after this one was last seen; of a bucket that reaches over it, only its end is certain. */
function firstAfter(time: Timestamp, others: readonly CallBucket[], next: Run | undefined): Timestamp | null {
  let found = next?.first ?? null;
  for (const { first, last } of others) {
    const after = first >= time ? first : last >= time ? last : null;
    if (after !== null && (found === null || after < found)) found = after;
  }
  return found;
}

function evidenceOf(
  run: Run,
  invocations: number,
  from: TimeInterval,
  until: TimeInterval,
  window: CallWindow,
): readonly Evidence[] {
  const calls = invocations === 1 ? '1 call' : `${invocations} calls`;
  const when =
    run.first === run.last ? `at ${timeWords(run.first)}` : `from ${timeWords(run.first)} to ${timeWords(run.last)}`;
  const kinds = [...new Set(run.buckets.map((bucket) => bucket.attribution))].toSorted().join(', ');
  const evidence = [{ kind: 'traffic', words: `${calls} ${when}; attribution: ${kinds}` }];
  const openBefore = from[0] === null ? [`before ${timeWords(window.from)}`] : [];
  const openAfter = until[1] === null && window.to !== null ? [`after ${timeWords(window.to)}`] : [];
  const open = [...openBefore, ...openAfter];
  if (open.length > 0) evidence.push({ kind: 'traffic', words: `calls ${open.join(' and ')} were not looked at` });
  return evidence;
}
