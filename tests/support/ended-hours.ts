/** Calls of hours that have ended, for what the daemon finds out from hours: a start looks at those that it has not seen. */

import { hexId, type SpanDraft } from '../ingest/harness.ts';

export const HOUR_MS = 3_600_000;

/** The end of the last hour that the daemon looks at: what is sent at its end has ten minutes to come. */
export function lastHourEndMs(): number {
  return Math.floor((Date.now() - 10 * 60_000) / HOUR_MS) * HOUR_MS;
}

/** From `startMs` on so many hours with so many calls each, ten minutes apart. */
export function callsOfHours(
  startMs: number,
  { hours, perHour }: { readonly hours: number; readonly perHour: number },
  attributesOf: (hour: number, index: number) => NonNullable<SpanDraft['attributes']>,
) {
  return Array.from({ length: hours * perHour }, (_, index) => {
    const hour = Math.floor(index / perHour);
    return {
      traceId: hexId(16),
      spanId: hexId(8),
      service: 'desk',
      startMs: startMs + hour * HOUR_MS + (index % perHour) * 600_000,
      attributes: attributesOf(hour, index),
    } satisfies SpanDraft;
  });
}
