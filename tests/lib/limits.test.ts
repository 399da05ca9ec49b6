import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { forEachConcurrently } from '../../src/lib/limits.ts';

describe('several at a time', () => {
  test('no more than so many, and all of them', async () => {
    let [running, most] = [0, 0];
    const done: number[] = [];
    await forEachConcurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(1);
      running -= 1;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  test('after a failure nothing is started, and what was started has ended', async () => {
    const [started, ended]: [number[], number[]] = [[], []];
    const work = forEachConcurrently([1, 2, 3, 4, 5, 6], 2, async (item) => {
      started.push(item);
      await sleep(item === 1 ? 1 : 20);
      if (item === 1) throw new Error('the first');
      ended.push(item);
    });
    await expect(work).rejects.toThrow('the first');
    expect(started).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });
});
