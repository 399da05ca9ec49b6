/** What a person does to an incident: acknowledge, snooze, resolve. Pure. */

import type { Incident } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Step } from './lifecycle.ts';

export type HandAction =
  | { readonly action: 'acknowledge'; readonly by: string }
  | { readonly action: 'snooze'; readonly by: string; readonly until: Timestamp }
  /** `note` is the reason in the person's own words, or why the system did it for them. */
  | { readonly action: 'resolve'; readonly by: string; readonly note?: string };

/**
 * Resolving by hand does not make a place right: the next look that still finds it wrong reopens
 * the incident.
 */
export function applyByHand(incident: Incident, action: HandAction, now: Timestamp): Step {
  if (incident.status === 'resolved') return { kind: 'unchanged', reason: 'resolved_before' };
  const base = { ...incident, updatedAt: now, revision: incident.revision + 1 };
  if (action.action === 'acknowledge') {
    if (incident.status === 'acknowledged') return { kind: 'unchanged', reason: 'acknowledged_before' };
    const done = { ...base, status: 'acknowledged', acknowledgedBy: action.by, snoozedUntil: null } as const;
    return { kind: 'changed', reason: 'acknowledged_by_hand', incident: done, transition: 'acknowledged' };
  }
  if (action.action === 'snooze') {
    if (action.until <= now) return { kind: 'unchanged', reason: 'snooze_is_over' };
    const done = { ...base, status: 'snoozed', snoozedUntil: action.until } as const;
    return { kind: 'changed', reason: 'snoozed_by_hand', incident: done, transition: 'snoozed' };
  }
  const resolution = action.note === undefined ? action.by : `${action.by}: ${action.note}`;
  const done = { ...base, status: 'resolved', resolvedAt: now, resolution } as const;
  return { kind: 'changed', reason: 'resolved_by_hand', incident: done, transition: 'resolved' };
}
