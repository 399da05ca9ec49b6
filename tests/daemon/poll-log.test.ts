/** What an operator reads in the log while sources and the store fail. */

import { expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Reading } from '../../src/contract/source.ts';
import { NOT_RECORDED, notePollEvent } from '../../src/daemon/targets/poll-log.ts';
import { TroubleLog } from '../../src/lib/trouble-log.ts';
import { hostOf, readings } from '../support/sources/polling-host.ts';
import { held } from '../support/sources/scripted-source.ts';

function noting() {
  const told: string[] = [];
  const tell = (_fields: object, message: string): void => void told.push(message);
  const troubles = new TroubleLog({ info: tell, warn: tell, error: tell });
  const note = (event: Parameters<typeof notePollEvent>[2]): void =>
    notePollEvent({ debug: () => undefined }, troubles, event);
  return { told, troubles, note };
}

test('a target that does not answer is told once, and once that all answer again', async () => {
  let reading: Reading = { outcome: 'unreachable', target: 'place/b', reason: 'busy' };
  const { poll, events } = await hostOf(
    { place: { read: () => readings(held('place/a', 'hello'), reading) } },
    { prompts: ['a', 'b'] },
  );
  for (let index = 0; index < 50; index += 1) await poll();
  reading = held('place/b', 'hello');
  await poll();
  await poll();
  const { told, note } = noting();
  events.forEach(note);
  expect(told).toEqual(['some targets gave no trustworthy answer', 'all targets answer again']);
});

test('a store that takes nothing is told once for all sources, and no poll is a job that failed', async () => {
  let isFull = true;
  const { poll, events } = await hostOf(
    { one: { read: () => readings(held('one/a', 'hello')) }, two: { read: () => readings(held('two/a', 'hello')) } },
    {
      record: () =>
        isFull ? Promise.reject(new Fault('overloaded', 'The disk of the store is full.')) : Promise.resolve(),
    },
  );
  for (let index = 0; index < 50; index += 1) {
    await poll('one');
    await poll('two');
  }
  const { told, troubles, note } = noting();
  events.splice(0).forEach(note);
  expect(troubles.reason(NOT_RECORDED)).toBe('The disk of the store is full.');
  isFull = false;
  await poll('one');
  await poll('two');
  events.forEach(note);
  expect(told).toEqual([
    'observations could not be recorded; the next poll reads everything again',
    'observations are recorded again',
  ]);
  expect(troubles.reason(NOT_RECORDED)).toBeNull();
});
