import { describe, expect, it } from 'vitest';
import { groupCommit } from '../../src/store/group-commit.ts';

function recorder() {
  const batches: (readonly number[])[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const write = async (items: readonly number[]): Promise<void> => {
    batches.push(items);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
  };
  return { batches, gates, write };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  it('writes together what comes while a write runs, and resolves each when its own is written', async () => {
    const { batches, gates, write } = recorder();
    const append = groupCommit(10, write);
    const done: number[] = [];
    const appended = [1, 2, 3].map((item) => append([item]).then(() => done.push(item)));
    await turn();
    expect(batches).toEqual([[1]]);
    gates[0]?.resolve();
    await turn();
    expect(batches).toEqual([[1], [2, 3]]);
    expect(done).toEqual([1]);
    gates[1]?.resolve();
    await Promise.all(appended);
    expect(done).toEqual([1, 2, 3]);
    const later = append([4]);
    await turn();
    expect(batches[2]).toEqual([4]);
    gates[2]?.resolve();
    await later;
  });

  it('keeps batches small, and one caller together', async () => {
    const { batches, gates, write } = recorder();
    const append = groupCommit(3, write);
    const appended = [[0], [1, 2], [3, 4], [5, 6, 7, 8, 9]].map((items) => append(items));
    for (let index = 0; index < 4; index++) {
      await turn();
      gates[index]?.resolve();
    }
    await Promise.all(appended);
    expect(batches).toEqual([[0], [1, 2], [3, 4], [5, 6, 7, 8, 9]]);
    await append([]);
    expect(batches).toHaveLength(4);
  });

  it('fails those whose items were in a failed write, and nobody else', async () => {
    const { gates, write } = recorder();
    const append = groupCommit(2, write);
    const appended = [[0], [1], [2], [3]].map((items) => append(items));
    const settled = Promise.allSettled(appended);
    const failure = new Error('full');
    gates[0]?.resolve();
    await turn();
    gates[1]?.reject(failure);
    await turn();
    gates[2]?.resolve();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  });

  it('refuses more than it can hold', async () => {
    const { gates, write } = recorder();
    const append = groupCommit(1_000_000, write);
    const first = append([1]);
    const many = append(Array.from({ length: 150_000 }, (_, index) => index));
    await expect(append(Array.from({ length: 60_000 }, () => 0))).rejects.toMatchObject({ kind: 'overloaded' });
    gates[0]?.resolve();
    await turn();
    gates[1]?.resolve();
    await Promise.all([first, many]);
  });
});
