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
  const told = before.some((other) => other.status === 'delivered' && other.transition !== 'resolved');
  if (delivery.transition === 'resolved' && !told) {
    return { turn: 'suppressed', reason: 'this channel was never told that it was open' };
  }
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
    .toSorted((a, b) => a.incidentRevision - b.incidentRevision);
}
