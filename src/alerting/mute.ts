/** Stage 2: what is not announced because a person asked for quiet. Pure. */

import type { Incident, IncidentTransition } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';

/** What a person did themselves, and what is no news, is recorded with the incident and announced to nobody. */
export function isAnnounced(transition: IncidentTransition | 'updated'): transition is IncidentTransition {
  return transition !== 'acknowledged' && transition !== 'snoozed' && transition !== 'updated';
}

/** Why this is kept quiet, in words for the delivery's row; null when it goes out. */
export function muteReason(incident: Incident, transition: IncidentTransition, now: Timestamp): string | null {
  // The end of a story that was told is told, also to those who asked for quiet in between.
  if (transition === 'resolved') return null;
  if (incident.snoozedUntil !== null && incident.snoozedUntil > now) return `snoozed until ${incident.snoozedUntil}`;
  if (incident.status === 'acknowledged') return `acknowledged by ${incident.acknowledgedBy ?? 'somebody'}`;
  return null;
}
