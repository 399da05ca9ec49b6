/**
 * A few connections to the embedded engine behind one. A connection runs one statement at a time,
 * and each running statement holds one of Node's four I/O threads, so the pool is small: reads can
 * never take all of it, and file access elsewhere in the daemon always finds a thread.
 */

import { Fault } from '../../contract/fault.ts';

const WAITING_MAX = 10_000;

export interface Pool<Connection> {
  /**
   * Runs `work` on a free connection. An abort rejects at once, but the connection stays taken
   * until the engine is done: it can't be interrupted.
   */
  run<Result>(
    use: 'read' | 'write',
    work: (connection: Connection) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result>;
  /** Refuses new work, and resolves when what runs and waits is done. */
  drain(): Promise<void>;
}

interface Waiting<Connection> {
  readonly use: 'read' | 'write';
  readonly start: (connection: Connection) => void;
}

/** `readsMax` of the connections may do at the same time what may take long; writes, which do not, may have all. */
export function connectionPool<Connection>(connections: readonly Connection[], readsMax: number): Pool<Connection> {
  const free = [...connections];
  const waiting: Waiting<Connection>[] = [];
  let reading = 0;
  let draining: PromiseWithResolvers<void> | null = null;

  const mayStart = (use: 'read' | 'write'): boolean => use === 'write' || reading < readsMax;

  const startWaiting = (): void => {
    while (free.length > 0) {
      const index = waiting.findIndex((next) => mayStart(next.use));
      if (index < 0) break;
      const [next] = waiting.splice(index, 1);
      const connection = free.pop();
      if (next === undefined || connection === undefined) break;
      if (next.use === 'read') reading++;
      next.start(connection);
    }
    if (free.length === connections.length && waiting.length === 0) draining?.resolve();
  };

  const release = (use: 'read' | 'write', connection: Connection): void => {
    if (use === 'read') reading--;
    free.push(connection);
    startWaiting();
  };

  return {
    run: async (use, work, signal) => {
      if (draining !== null) throw new Fault('permanent', 'The store is closed.');
      if (waiting.length >= WAITING_MAX) {
        throw new Fault('overloaded', `${WAITING_MAX} statements wait for the store.`, { retryAfterMs: 1_000 });
      }
      signal?.throwIfAborted();
      return await new Promise((resolve, reject) => {
        const onAbort = (): void => {
          const index = waiting.indexOf(entry);
          if (index >= 0) waiting.splice(index, 1);
          reject(signal?.reason as Error);
        };
        const entry: Waiting<Connection> = {
          use,
          start: (connection) => {
            work(connection)
              .then(resolve, reject)
              .finally(() => {
                signal?.removeEventListener('abort', onAbort);
                release(use, connection);
              });
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        waiting.push(entry);
        startWaiting();
      });
    },
    drain: async () => {
      draining ??= Promise.withResolvers<void>();
      startWaiting();
      await draining.promise;
    },
  };
}
