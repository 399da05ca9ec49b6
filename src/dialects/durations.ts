/** How long calls took, as those say who tell of them afterwards, and when their first token came. */

import type { OtlpSpan } from '../otlp/model.ts';

/** A day: no call takes that long, and a time computed from more would be nobody's. */
const DURATION_MS_MAX = 86_400_000;

/** Undefined for what no call can have taken. */
export function millisOf(durationMs: number | undefined): number | undefined {
  return durationMs !== undefined && durationMs >= 0 && durationMs <= DURATION_MS_MAX ? durationMs : undefined;
}

/** From a span's start to an ISO time, perhaps as JSON text; undefined when that is none, or before. */
export function millisUntil(time: string | undefined, { startNanos }: OtlpSpan): number | undefined {
  if (time === undefined) return undefined;
  const millis = Date.parse(time.replaceAll('"', '')) - Number(startNanos / 1_000n) / 1_000;
  return millis >= 0 ? millis : undefined;
}

/** From a span's start to the first of its events with a name; undefined when there is none. */
export function millisUntilEvent(name: string, { startNanos, events }: OtlpSpan): number | undefined {
  const event = events.find((one) => one.name === name);
  if (event === undefined || event.timeNanos < startNanos) return undefined;
  return millisOf(Number((event.timeNanos - startNanos) / 1_000n) / 1_000);
}
