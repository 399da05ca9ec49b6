/** When memory is short, and what is done about it. */

import { expect, it } from 'vitest';
import { InFlight } from '../../collectors/otlp/limits.ts';
import { MemoryWatch } from '../../src/daemon/memory/memory-watch.ts';

function scene() {
  const inFlight = new InFlight(1_000);
  const elsewhere = new InFlight(1_000, inFlight.counts, 1);
  const state = { bytes: 0, collections: 0 };
  const watch = new MemoryWatch({
    shortBytes: 100,
    calmBytes: 80,
    onShort: (isShort) => inFlight.hold(isShort),
    residentBytes: () => state.bytes,
    collect: () => (state.collections += 1),
  });
  /** What a look at so many bytes comes to: whether anything is taken, in this thread and in another. */
  const look = (bytes: number): readonly boolean[] => {
    state.bytes = bytes;
    watch.look();
    return [inFlight, elsewhere].map((each) => {
      const isTaken = each.take(1);
      if (isTaken) each.give(1);
      return isTaken;
    });
  };
  return { watch, state, look, inFlight };
}

it('refuses from the one mark on until there is less than the other', () => {
  const { look } = scene();
  const taken = [50, 99, 100, 120, 90, 80, 79, 99].map((bytes) => look(bytes)[0]);
  expect(taken).toEqual([true, true, false, false, false, false, true, true]);
});

it('refuses in every thread, and forgets nothing that is in flight', () => {
  const { look, inFlight } = scene();
  inFlight.take(10);
  expect(look(100)).toEqual([false, false]);
  expect(inFlight.bytes).toBe(10);
  expect(look(10)).toEqual([true, true]);
});

it('collects garbage at once, and while it lasts now and then', () => {
  const { look, state } = scene();
  look(99);
  expect(state.collections).toBe(0);
  look(100);
  expect(state.collections).toBe(1);
  for (let times = 0; times < 99; times += 1) look(100);
  expect(state.collections).toBe(10);
});

it('is a problem when it lasts', () => {
  const { watch, look } = scene();
  for (let times = 0; times < 99; times += 1) look(100);
  expect(watch.problem).toBeNull();
  look(100);
  expect(watch.problem).toContain('Memory is short');
  look(10);
  expect(watch.problem).toBeNull();
});

it('reads what this process holds, and can have V8 collect', async () => {
  const said: boolean[] = [];
  const options = { shortBytes: 1, calmBytes: 1, onShort: (isShort: boolean) => said.push(isShort) };
  const watch = new MemoryWatch(options);
  await watch.start();
  watch.look();
  await watch.stop();
  expect(said).toEqual([true]);
});
