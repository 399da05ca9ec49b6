/** Whether a person took what was found of calls for normal, by closing the incident about it while it still is so. */

import type { Incident } from '../contract/incident.ts';
import type { IncidentLog } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';

/** When; null: nobody did. `retiredAs`: how incidents of its kind end when nobody can find out any more. */
export async function acceptedAt(
  incidents: Pick<IncidentLog, 'newestWithFingerprint'>,
  fingerprint: string,
  { noticedAt, retiredAs }: { readonly noticedAt: Timestamp; readonly retiredAs: Incident['resolution'] },
): Promise<Timestamp | null> {
  const incident = await incidents.newestWithFingerprint(fingerprint);
  if (incident?.status !== 'resolved' || incident.resolution === retiredAs) return null;
  const { resolvedAt } = incident;
  return resolvedAt !== null && resolvedAt > noticedAt ? resolvedAt : null;
}
