/** The numbers that lanes have in the spool's files. Never change one: a newer daemon reads an older one's spool. */

import { TELEMETRY_LANES, type TelemetryLane } from '../../contract/telemetry-log.ts';

const NUMBERS: Readonly<Record<TelemetryLane, number>> = {
  call_texts: 1,
  call_lists: 2,
  span_facts: 3,
  quarantine: 4,
  invocations: 5,
  call_variables: 6,
  // Never spooled.
  sightings: 7,
};

export function laneNumber(lane: TelemetryLane): number {
  return NUMBERS[lane];
}

/** Null for a number that a newer release may have written. */
export function laneOf(number: number): TelemetryLane | null {
  return TELEMETRY_LANES.find((lane) => NUMBERS[lane] === number) ?? null;
}
