/** How long calls took, as those say who tell of them afterwards. */

/** A day: no call takes that long, and a time computed from more would be nobody's. */
const DURATION_MS_MAX = 86_400_000;

/** Undefined for what no call can have taken. */
export function millisOf(durationMs: number | undefined): number | undefined {
  return durationMs !== undefined && durationMs >= 0 && durationMs <= DURATION_MS_MAX ? durationMs : undefined;
}
