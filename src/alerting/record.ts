/** The rows of deliveries, from before they are sent to the receipt. Pure. */

import type { Incident, IncidentTransition } from '../contract/incident.ts';
import type { Delivery } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { shortId } from '../lib/hash.ts';

/** A receiver's words are kept for a person to read, not for ever. */
const DETAIL_CHARACTERS_MAX = 500;

/** The same alert has the same id in every replica and at every attempt. */
export function deliveryId(
  incidentId: string,
  transition: IncidentTransition,
  incidentRevision: number,
  channel: string,
): string {
  return shortId('delivery', incidentId, transition, String(incidentRevision), channel);
}

/** `mutedBecause`: kept quiet, and recorded so that it can be counted and shown. */
export function newDelivery(
  incident: Incident,
  transition: IncidentTransition,
  channel: string,
  mutedBecause: string | null,
  now: Timestamp,
): Delivery {
  return {
    id: deliveryId(incident.id, transition, incident.revision, channel),
    incidentId: incident.id,
    incidentRevision: incident.revision,
    transition,
    channel,
    status: mutedBecause === null ? 'pending' : 'suppressed',
    attempts: 0,
    detail: mutedBecause ?? '',
    createdAt: now,
    updatedAt: now,
  };
}

/** `message`: that of several alerts, if it went out in one. */
export function delivered(
  delivery: Delivery,
  receipt: string,
  now: Timestamp,
  message: string | null = null,
): Delivery {
  const done = { ...settled(delivery, 'delivered', receipt, now), attempts: delivery.attempts + 1 };
  return message === null ? done : { ...done, message };
}

export function attemptFailed(delivery: Delivery, why: string, isLast: boolean, now: Timestamp): Delivery {
  return { ...settled(delivery, isLast ? 'failed' : 'pending', why, now), attempts: delivery.attempts + 1 };
}

export function suppressed(delivery: Delivery, why: string, now: Timestamp): Delivery {
  return settled(delivery, 'suppressed', why, now);
}

/**
 * Rows for a revision that turned out to be another transition: a process wrote them, died before
 * the incident was stored, and the world moved on. Asked before that revision is stored.
 */
export function undone(
  all: readonly Delivery[],
  incident: Incident,
  transition: IncidentTransition | 'updated',
): readonly Delivery[] {
  return all.filter(
    (row) => row.status === 'pending' && row.incidentRevision === incident.revision && row.transition !== transition,
  );
}

/** A row that was given up without an attempt counts for nothing when its transition happens after all. */
export function isGivenUp(delivery: Delivery): boolean {
  return delivery.status === 'failed' && delivery.attempts === 0;
}

/** Given up without an attempt. */
export function abandoned(delivery: Delivery, why: string, now: Timestamp): Delivery {
  return settled(delivery, 'failed', why, now);
}

function settled(delivery: Delivery, status: Delivery['status'], detail: string, now: Timestamp): Delivery {
  return { ...delivery, status, detail: detail.slice(0, DETAIL_CHARACTERS_MAX), updatedAt: now };
}
