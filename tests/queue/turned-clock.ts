/** A clock that tests turn: wall time and monotonic time move only when told to. */

import { timestampFromMillis } from '../../src/lib/time.ts';
import type { Clock } from '../../src/contract/time.ts';

export interface TurnedClock extends Clock {
  /** Real time passes: both clocks move. */
  pass(millis: number): void;
  /** Somebody puts the wall clock forward or back: only that one moves. */
  jump(millis: number): void;
}

export function turnedClock(startMs = Date.UTC(2026, 10, 20)): TurnedClock {
  let wallMs = startMs;
  let monotonicMs = 5_000;
  return {
    now: () => timestampFromMillis(wallMs),
    monotonicMs: () => monotonicMs,
    pass: (millis) => {
      wallMs += millis;
      monotonicMs += millis;
    },
    jump: (millis) => {
      wallMs += millis;
    },
  };
}
