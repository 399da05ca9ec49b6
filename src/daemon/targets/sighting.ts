/** What is known of one part of a target from the looks at it so far, and what one more look adds. Pure. */

import { type HeldObservation, type Observation, seenSince } from '../../contract/observation.ts';
import type { LatestObservation } from '../../contract/store.ts';
import type { TimeInterval, Timestamp } from '../../contract/time.ts';

export interface Sighting {
  readonly last: Observation;
  /** The newest answer, `last` included. */
  readonly lastAnswered: Observation | null;
  /** The newest answer before `lastAnswered` that said something else. */
  readonly previous: Observation | null;
  /** When what it answered last began; null: not known here, the store may know. */
  readonly since: TimeInterval | null;
  /** The newest answer before `last` that this process knows of. */
  readonly answeredBefore: Timestamp | null;
  readonly siblings: readonly HeldObservation[];
  /** What all parts held together. */
  readonly together: string;
  /** Seen by this process. What an earlier one saw is compared with, and not judged again. */
  readonly isFresh: boolean;
}

/** From the store, at the start. */
export function seenBefore({ last, lastAnswered }: LatestObservation): Sighting {
  return {
    last,
    lastAnswered,
    previous: null,
    since: null,
    answeredBefore: null,
    siblings: [],
    together: '',
    isFresh: false,
  };
}

export interface Context {
  readonly siblings: readonly HeldObservation[];
  readonly together: string;
  /** The store may know of looks that this process did not make. */
  readonly mayAskStore: boolean;
}

export function seen(before: Sighting | null, now: Observation, context: Context): Sighting {
  const { siblings, together, mayAskStore } = context;
  const answered = before?.lastAnswered ?? null;
  const common = { last: now, answeredBefore: answered?.observedAt ?? null, siblings, together, isFresh: true };
  if (now.outcome === 'unreachable') {
    return { ...common, lastAnswered: answered, previous: before?.previous ?? null, since: before?.since ?? null };
  }
  if (answered !== null && saysTheSame(answered, now)) {
    // Ten thousand texts that were read anew and are the same are held once.
    const last = now.outcome === 'held' && answered.outcome === 'held' ? { ...now, body: answered.body } : now;
    return {
      ...common,
      last,
      lastAnswered: last,
      previous: before?.previous ?? null,
      since: before?.since ?? null,
    };
  }
  const notYet = answered === null ? null : seenSince(answered);
  // A clock that was set back in between makes it no bound.
  const began: TimeInterval = [notYet !== null && notYet > now.observedAt ? null : notYet, now.observedAt];
  return { ...common, lastAnswered: now, previous: answered, since: mayAskStore ? null : began };
}

function saysTheSame(a: Observation, b: Observation): boolean {
  if (a.outcome === 'held' && b.outcome === 'held') return a.hashes.strict === b.hashes.strict;
  return a.outcome === b.outcome;
}
