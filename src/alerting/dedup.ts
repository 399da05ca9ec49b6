/** Stage 3, just before sending: whether this alert still has to go out, and whether it is its turn. Pure. */

import type { Incident } from '../contract/incident.ts';
import type { Delivery } from '../contract/store.ts';

export type Turn =
  | { readonly turn: 'now' }
  /** It is settled already, or another job will settle it: this job does nothing. */
  | { readonly turn: 'never'; readonly reason: string }
  /** It goes out after these; whoever settles the last of them calls it up again. */
  | { readonly turn: 'later'; readonly reason: string }
  /** It must not go out at all, and its row says so. */
  | { readonly turn: 'suppressed'; readonly reason: string };

/**
 * `all`: every delivery of this incident. One channel hears the transitions of one incident in
 * order, and hears the end only of what it was told.
 */
export function turnOf(delivery: Delivery, all: readonly Delivery[], incident: Incident | null): Turn {
  if (delivery.status !== 'pending') return { turn: 'never', reason: `already ${delivery.status}` };
  if (incident === null || incident.revision < delivery.incidentRevision) {
    return { turn: 'later', reason: 'its incident is not stored yet' };
  }
  const before = all.filter(
    (other) => other.channel === delivery.channel && other.incidentRevision < delivery.incidentRevision,
  );
  if (before.some((other) => other.status === 'pending')) {
    return { turn: 'later', reason: 'an earlier alert about the same incident is still on its way' };
  }
  if (delivery.transition !== 'resolved') return { turn: 'now' };
  const told = before
    .filter((other) => other.status === 'delivered')
    .toSorted(byRevision)
    .at(-1);
  if (told === undefined) return { turn: 'suppressed', reason: 'this channel was never told that it was open' };
  // It came back and went again while a person had asked for quiet.
  if (told.transition === 'resolved') return { turn: 'suppressed', reason: 'this channel was told of the end before' };
  return { turn: 'now' };
}

/** Deliveries that wait for this one, oldest first. */
export function waitingFor(delivery: Delivery, all: readonly Delivery[]): readonly Delivery[] {
  return all
    .filter(
      (other) =>
        other.channel === delivery.channel &&
        other.status === 'pending' &&
        other.incidentRevision > delivery.incidentRevision,
    )
    .toSorted(byRevision);
}

/** Whether an alert that it is wrong was for this channel. */
export function wasFor(channel: string, all: readonly Delivery[]): boolean {
  return all.some((row) => row.channel === channel && row.transition !== 'resolved');
}

function byRevision(a: Delivery, b: Delivery): number {
  return a.incidentRevision - b.incidentRevision;
}
