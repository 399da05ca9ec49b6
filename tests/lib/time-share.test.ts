import { describe, expect, it } from 'vitest';
import { TimeShare } from '../../src/lib/time-share.ts';
import { HandClock } from '../support/sources/hand-clock.ts';

describe('work that may take a tenth of the time', () => {
  it('is done each time while it is quick', async () => {
    const clock = new HandClock();
    const share = new TimeShare(clock, 0.1);
    for (let time = 0; time < 5; time += 1) {
      expect(await share.run(() => taking(clock, 3_000))).toBe(true);
      clock.advance(27_000);
    }
  });

  it('is left out until ten times as long has passed as it took', async () => {
    const clock = new HandClock();
    const share = new TimeShare(clock, 0.1);
    const times: number[] = [];
    const begin = clock.monotonicMs();
    for (let tick = 0; tick < 20; tick += 1) {
      const atMs = clock.monotonicMs();
      if (await share.run(() => taking(clock, 8_000))) times.push(atMs - begin);
      clock.advance(30_000 - (clock.monotonicMs() - atMs));
    }
    expect(times).toEqual([0, 90_000, 180_000, 270_000, 360_000, 450_000, 540_000]);
    expect(share.pace).toEqual({ tookMs: 8_000, everyMs: 80_000 });
  });

  it('has taken its time when it fails, too', async () => {
    const clock = new HandClock();
    const share = new TimeShare(clock, 0.1);
    const failing = share.run(async () => {
      await taking(clock, 60_000);
      throw new Error('the store timed out');
    });
    await expect(failing).rejects.toThrow('the store timed out');
    clock.advance(539_999);
    expect(await share.run(() => Promise.resolve())).toBe(false);
    clock.advance(1);
    expect(await share.run(() => Promise.resolve())).toBe(true);
    expect(await share.run(() => Promise.resolve())).toBe(true);
  });
});

async function taking(clock: HandClock, millis: number): Promise<void> {
  await Promise.resolve();
  clock.advance(millis);
}
