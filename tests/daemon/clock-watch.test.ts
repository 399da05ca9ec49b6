import { expect, it } from 'vitest';
import { ClockWatch } from '../../src/daemon/clock-watch.ts';
import { addMillis } from '../../src/lib/time.ts';
import { time } from '../support/store-samples.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

const HOUR_MS = 3_600_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Its wall clock can be put elsewhere while time goes on. */
class ShiftedClock extends TurnableClock {
  shiftMs = 0;

  override now() {
    return addMillis(super.now(), this.shiftMs);
  }
}

it('has put right what is stored when the clock was set back, until that succeeds, and then no more', async () => {
  const clock = new ShiftedClock(time('12:00:00'));
  let tries = 0;
  const watch = new ClockWatch(clock, SILENT, () => {
    tries += 1;
    return tries === 1 ? Promise.reject(new Error('the store is away')) : Promise.resolve();
  });
  const look = async (shiftMs: number): Promise<number> => {
    clock.advance(5_000);
    clock.shiftMs = shiftMs;
    await watch.look();
    return tries;
  };
  // Forward, slewed back by a second, and then by an hour.
  expect([await look(0), await look(HOUR_MS), await look(HOUR_MS - 1_000)]).toEqual([0, 0, 0]);
  expect([await look(0), await look(0), await look(0)]).toEqual([1, 2, 2]);
});
