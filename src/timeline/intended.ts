/** What an environment was meant to hold: pins as they were recorded, turned into entries. Pure. */

import type { ContentHash, Origin } from '../contract/prompt.ts';
import type { TimelineEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { timeWords } from '../text/time-words.ts';
import { boundary, isActive, liesOutside } from './boundary.ts';

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
}

/** A stretch of one rule: what it pinned, or nothing. */
interface Stretch {
  readonly fact: PinFact;
  readonly from: TimeInterval;
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
export function intendedAt(entries: readonly IntendedEntry[], time: Timestamp): TimelineEntry | null {
  const active = entries.filter((entry) => isActive(entry, time)).toSorted(byPrecedence);
  const [first, ...others] = active;
  if (first === undefined) return null;
  const evidence = others.map(({ rule, version }) => ({
    kind: 'pin',
    words: `${rule} says v${version}${version === first.version ? ' as well' : ', which has less weight'}`,
  }));
  return { ...first, evidence: [...first.evidence, ...evidence] };
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
    const until = stretches[index + 1]?.from ?? ([lastKnown(facts, fact), null] as const);
    const evidence = [evidenceOf(fact, from)];
    return [
      { version: fact.pinned.version, hash: fact.pinned.hash, text: null, rule: fact.rule, from, until, evidence },
    ];
  });
}

/** Consecutive facts that pin the same are one stretch: the later ones only say more about it. */
function stretchesOf(facts: readonly PinFact[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let lastSeen: Timestamp | null = null;
  for (const fact of facts) {
    const present = stretches.at(-1);
    if (present !== undefined && samePin(present.fact, fact)) {
      stretches[stretches.length - 1] = refined(present, fact);
    } else {
      // Read after the last change, and nothing had happened yet: the best lower bound there is.
      const notYet = later(fact.previousSeenAt, lastSeen);
      stretches.push({ fact, from: boundary(notYet, fact.recordedAt, fact.since) });
    }
    lastSeen = fact.recordedAt;
  }
  return stretches;
}

function samePin(a: PinFact, b: PinFact): boolean {
  return a.pinned?.version === b.pinned?.version && a.pinned?.hash === b.pinned?.hash;
}

/** The same pin, and somebody found out since when or by whom. */
function refined({ fact, from }: Stretch, more: PinFact): Stretch {
  const [earliest, latest] = from;
  const since = more.since ?? fact.since;
  const narrowed = latest === null ? from : boundary(earliest, latest, since);
  return { fact: { ...fact, since, by: more.by ?? fact.by, origin: more.origin ?? fact.origin }, from: narrowed };
}

function lastKnown(facts: readonly PinFact[], fact: PinFact): Timestamp {
  return facts.reduce((last, { recordedAt }) => (recordedAt > last ? recordedAt : last), fact.recordedAt);
}

function later(a: Timestamp | null, b: Timestamp | null): Timestamp | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

function evidenceOf(fact: PinFact, from: TimeInterval): Evidence {
  const where = fact.origin === null ? '' : ` (${originWords(fact.origin)})`;
  const who = fact.by === null ? '' : ` by ${fact.by}`;
  const pinned = `pinned to v${fact.pinned?.version ?? ''} by ${fact.rule}${where}`;
  if (fact.since === null) return { kind: 'pin', words: `${pinned}, first seen at ${timeWords(fact.recordedAt)}` };
  const doubt = liesOutside(fact.since, from) ? ', which does not fit what was read' : '';
  return { kind: 'pin', words: `${pinned}, since ${timeWords(fact.since)}${who} as its history says${doubt}` };
}

function originWords(origin: Origin): string {
  const line = origin.line === undefined ? '' : `:${origin.line}`;
  const commit = origin.commit === undefined ? '' : ` at ${origin.commit.slice(0, 12)}`;
  return `${origin.file}${line}${commit}`;
}
