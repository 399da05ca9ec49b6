/** What traffic carried: the runs of calls that the store found, one entry each. Pure. */

import type { AttributionKind } from '../contract/attribution.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type { UsedEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { millisBetween } from '../lib/time.ts';
import { timeWords } from '../text/time-words.ts';

/** Calls of one service with one content, from when it came until it had gone. */
export interface CallRun {
  readonly service: string;
  /** The version, when the text is an instance of it; null for any other text. */
  readonly version: string | null;
  /** Hash of the text; null for a version, whose variables make each call's text differ. */
  readonly hash: ContentHash | null;
  /** How the version is known, e.g. `exact`. */
  readonly attributions: readonly AttributionKind[];
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly calls: number;
  /** The service's last call before the first, and its first after the last, with whatever content. */
  readonly before: Timestamp | null;
  readonly after: Timestamp | null;
}

/** How far the calls were read. Beyond it nothing is known, so nothing is claimed. */
export interface CallWindow {
  readonly from: Timestamp;
  /** Null when all later ones were read. */
  readonly to: Timestamp | null;
}

/**
 * A content that was not called for this long, while the service called another, had gone: when it
 * comes back that is a new entry. Shorter, it is one service with two contents at a time.
 */
export const GONE_AFTER_MS = 15 * 60_000;

/** Text is left to the caller. */
export function usedEntry(run: CallRun, window: CallWindow): UsedEntry {
  const { service, version, hash, first, last, calls } = run;
  // Near the edge of what was read the run may go on beyond it.
  const begins = millisBetween(window.from, first) > GONE_AFTER_MS;
  const ends = window.to === null || millisBetween(last, window.to) > GONE_AFTER_MS;
  const from: TimeInterval = [begins ? run.before : null, first];
  const until: TimeInterval = [last, ends ? run.after : null];
  const evidence = [callEvidence(run), ...windowEvidence(from, until, window)];
  return { service, version, hash, text: null, from, until, invocations: calls, evidence };
}

function callEvidence({ first, last, calls, attributions }: CallRun): Evidence {
  const count = calls === 1 ? '1 call' : `${calls} calls`;
  const when = first === last ? `at ${timeWords(first)}` : `from ${timeWords(first)} to ${timeWords(last)}`;
  return { kind: 'traffic', words: `${count} ${when}; attribution: ${attributions.toSorted().join(', ')}` };
}

function windowEvidence(from: TimeInterval, until: TimeInterval, window: CallWindow): readonly Evidence[] {
  const before = from[0] === null ? [`before ${timeWords(window.from)}`] : [];
  const after = until[1] === null && window.to !== null ? [`after ${timeWords(window.to)}`] : [];
  const open = [...before, ...after];
  return open.length === 0 ? [] : [{ kind: 'traffic', words: `calls ${open.join(' and ')} were not looked at` }];
}

/** For each entry of an answer that does not list all. */
export function leftOutEvidence(listed: number, found: number): readonly Evidence[] {
  if (listed >= found) return [];
  const words = `${found} contents were in use and ${listed} are listed: registered versions first, then by number of calls`;
  return [{ kind: 'traffic', words }];
}
