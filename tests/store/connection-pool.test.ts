import { describe, expect, it } from 'vitest';
import { connectionPool } from '../../src/store/engine/connection-pool.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function jobs() {
  const running = new Map<string, PromiseWithResolvers<void>>();
  const work =
    (name: string) =>
    async (connection: number): Promise<string> => {
      const gate = Promise.withResolvers<void>();
      running.set(name, gate);
      await gate.promise;
      running.delete(name);
      return `${name} on ${connection > 0}`;
    };
  return { running, work };
}

describe('the connection pool', () => {
  it('always has a connection for a write that reads do not take', async () => {
    const { running, work } = jobs();
    const pool = connectionPool([1, 2, 3], 2);
    const reads = ['r1', 'r2', 'r3'].map((name) => pool.run('read', work(name)));
    await turn();
    expect([...running.keys()]).toEqual(['r1', 'r2']);
    const write = pool.run('write', work('w1'));
    await turn();
    expect([...running.keys()]).toEqual(['r1', 'r2', 'w1']);
    running.get('w1')?.resolve();
    expect(await write).toBe('w1 on true');
    expect([...running.keys()]).toEqual(['r1', 'r2']);
    running.get('r1')?.resolve();
    await turn();
    expect([...running.keys()]).toEqual(['r2', 'r3']);
    for (const gate of running.values()) gate.resolve();
    await Promise.all(reads);
  });

  it('keeps a connection until the engine is done, though the caller has given up', async () => {
    const { running, work } = jobs();
    const pool = connectionPool([1], 1);
    const controller = new AbortController();
    const first = pool.run('read', work('r1'), controller.signal);
    const second = pool.run('read', work('r2'));
    const waiting = pool.run('read', work('r3'), controller.signal);
    const settled = Promise.allSettled([first, waiting]);
    controller.abort(new Error('gone'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([...running.keys()]).toEqual(['r1']);
    running.get('r1')?.resolve();
    await turn();
    expect([...running.keys()]).toEqual(['r2']);
    running.get('r2')?.resolve();
    await second;
    await turn();
    expect(running.size).toBe(0);
  });

  it('drains: finishes what was accepted, refuses the rest', async () => {
    const { running, work } = jobs();
    const pool = connectionPool([1], 1);
    const accepted = [pool.run('write', work('w1')), pool.run('write', work('w2'))];
    await turn();
    let drained = false;
    const draining = pool.drain().then(() => (drained = true));
    await expect(pool.run('read', work('r1'))).rejects.toMatchObject({ name: 'Fault' });
    running.get('w1')?.resolve();
    await turn();
    expect(drained).toBe(false);
    running.get('w2')?.resolve();
    await Promise.all([...accepted, draining]);
    await pool.drain();
  });

  it('frees the connection of work that fails', async () => {
    const pool = connectionPool([1], 1);
    await expect(pool.run('read', () => Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    expect(await pool.run('read', (connection) => Promise.resolve(connection))).toBe(1);
  });
});
