/** What an environment was meant to hold: pins as they were recorded, turned into entries. Pure. */

import type { ContentHash, Origin } from '../contract/prompt.ts';
import type { TimelineEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { formatDuration, laterOf } from '../lib/time.ts';
import { narrowed } from '../lib/time-interval.ts';
import { timeWords } from '../text/time-words.ts';
import { boundary, isActive, liesOutside } from './boundary.ts';
import { type Gap, isLong } from './held.ts';

/** One change of a pin as it was noticed. */
export interface PinFact {
  readonly rule: string;
  /** Null: the pin was removed. */
  readonly pinned: { readonly version: string; readonly hash: ContentHash } | null;
  /** What the registry's history says about when and by whom; null when it does not tell. */
  readonly since: Timestamp | null;
  readonly by: string | null;
  readonly origin: Origin | null;
  /** When the rule was last read before, and this was not so yet. */
  readonly previousSeenAt: Timestamp | null;
  readonly recordedAt: Timestamp;
  /** The last look that found it so: up to what followed, or to when the question is asked. */
  readonly lastSeenAt: Timestamp;
}

/** A stretch of one rule: what it pinned, or nothing. */
interface Stretch {
  readonly fact: PinFact;
  /** The last look at which it was not so yet. */
  readonly notYet: Timestamp | null;
  readonly from: TimeInterval;
}

/** Where nobody read the rule for longer than usual. */
export interface UnreadStretch extends Pick<Gap, 'after' | 'by' | 'isOpen' | 'usualMs'> {
  readonly rule: string;
}

export interface IntendedEntry extends TimelineEntry {
  readonly version: string;
  readonly hash: ContentHash;
  readonly rule: string;
}

/** `facts` of one prompt in one environment; only those that were known when the question is asked. Text is left to the caller. */
export function intendedEntries(facts: readonly PinFact[]): readonly IntendedEntry[] {
  const rules = Map.groupBy(facts, (fact) => fact.rule);
  return [...rules.values()].flatMap((ofRule) => entriesOfRule(ofRule));
}

/** The lockfile speaks first; then rules by name. What other rules say goes into the evidence. */
export function intendedAt(
  entries: readonly IntendedEntry[],
  time: Timestamp,
  unread: readonly UnreadStretch[] = [],
): TimelineEntry | null {
  const active = entries.filter((entry) => isActive(entry, time)).toSorted(byPrecedence);
  const [first, ...others] = active;
  if (first === undefined) return null;
  const evidence = others.map(({ rule, version }) => ({
    kind: 'pin',
    words: `${rule} says v${version}${version === first.version ? ' as well' : ', which has less weight'}`,
  }));
  const gaps = unread.filter(({ rule }) => rule === first.rule).filter(isLong);
  return { ...first, evidence: [...first.evidence, ...gaps.map(unreadEvidence), ...evidence] };
}

function unreadEvidence({ rule, after, by, isOpen, usualMs }: UnreadStretch): Evidence {
  const often = `otherwise every ${formatDuration(usualMs)} or more often`;
  const when = isOpen
    ? `after ${timeWords(after)}, ${often}: what it said since`
    : `between ${timeWords(after)} and ${timeWords(by)}, ${often}: what it said in between`;
  return { kind: 'pin', words: `${rule} was not read ${when} is not known` };
}

const LOCKFILE = 'lockfile';

function byPrecedence(a: IntendedEntry, b: IntendedEntry): number {
  if (a.rule === LOCKFILE || b.rule === LOCKFILE) return a.rule === b.rule ? 0 : a.rule === LOCKFILE ? -1 : 1;
  return a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0;
}

function entriesOfRule(facts: readonly PinFact[]): IntendedEntry[] {
  const stretches = stretchesOf(facts.toSorted((a, b) => (a.recordedAt < b.recordedAt ? -1 : 1)));
  return stretches.flatMap(({ fact, from }, index) => {
    if (fact.pinned === null) return [];
    const next = stretches[index + 1];
    // What history says of the next is when that came. Another may have been there before it, and gone unseen.
    const until: TimeInterval = next === undefined ? [fact.lastSeenAt, null] : [next.notYet, next.from[1]];
    const evidence = [evidenceOf(fact, from)];
    return [
      { version: fact.pinned.version, hash: fact.pinned.hash, text: null, rule: fact.rule, from, until, evidence },
    ];
  });
}

/** Consecutive facts that pin the same are one stretch: the later ones only say more about it. */
function stretchesOf(facts: readonly PinFact[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const fact of facts) {
    const present = stretches.at(-1);
    if (present !== undefined && samePin(present.fact, fact) && !cameAgain(present.fact, fact)) {
      stretches[stretches.length - 1] = refined(present, fact);
    } else {
      // Read after the last change, and nothing had happened yet: the best lower bound there is.
      const seen = laterOf(fact.previousSeenAt, present?.fact.lastSeenAt ?? null);
      // A clock that was set back in between makes it no bound at all.
      const notYet = seen === null || seen <= fact.recordedAt ? seen : (present?.fact.recordedAt ?? null);
      stretches.push({ fact, notYet, from: boundary(notYet, fact.recordedAt, fact.since) });
    }
  }
  return stretches;
}

function samePin(a: PinFact, b: PinFact): boolean {
  return a.pinned?.version === b.pinned?.version && a.pinned?.hash === b.pinned?.hash;
}

/** History dated it before, and now dates it to a time when nobody looked: in between it was something else. */
function cameAgain(before: PinFact, now: PinFact): boolean {
  if (before.since === null || now.since === null || now.since <= before.since) return false;
  return narrowed([before.lastSeenAt, now.recordedAt], now.since) !== null;
}

/** The same pin, and somebody found out since when or by whom. */
function refined({ fact, notYet, from }: Stretch, more: PinFact): Stretch {
  const [earliest, latest] = from;
  const since = more.since ?? fact.since;
  const narrower = latest === null ? from : boundary(earliest, latest, since);
  const { lastSeenAt } = more;
  return {
    fact: { ...fact, since, by: more.by ?? fact.by, origin: more.origin ?? fact.origin, lastSeenAt },
    notYet,
    from: narrower,
  };
}

function evidenceOf(fact: PinFact, from: TimeInterval): Evidence {
  const where = fact.origin === null ? '' : ` (${originWords(fact.origin)})`;
  const who = fact.by === null ? '' : ` by ${fact.by}`;
  const pinned = `pinned to v${fact.pinned?.version ?? ''} by ${fact.rule}${where}`;
  const seen = `first seen at ${timeWords(fact.recordedAt)}`;
  if (fact.since === null) return { kind: 'pin', words: `${pinned}, ${seen}` };
  const since = `since ${timeWords(fact.since)}${who}`;
  if (!liesOutside(fact.since, from)) return { kind: 'pin', words: `${pinned}, ${since} as its history says` };
  // A commit comes here when somebody pulls it, and a file may be edited before it is committed.
  const how = fact.since > fact.recordedAt ? 'which is after it was here' : 'which is not when it came here';
  return { kind: 'pin', words: `${pinned}, ${seen}, in its history ${since}, ${how}` };
}

function originWords(origin: Origin): string {
  const line = origin.line === undefined ? '' : `:${origin.line}`;
  const commit = origin.commit === undefined ? '' : ` at ${origin.commit.slice(0, 12)}`;
  return `${origin.file}${line}${commit}`;
}
