/**
 * Rows that the engine had ready of a statement that failed it keeps, and gives with the answer to the next one on that
 * connection. So a connection that failed runs one whose answer nobody reads, before it is used again.
 */

import type { Pool } from './connection-pool.ts';

const NOTHING = 'SELECT 1 FORMAT Null';

interface Commanded {
  command(statement: { readonly query: string }): Promise<unknown>;
}

export function withoutLeftovers<Connection extends Commanded & object>(pool: Pool<Connection>): Pool<Connection> {
  const failed = new WeakSet<Connection>();
  return {
    run: (use, work, signal) =>
      pool.run(
        use,
        async (connection) => {
          if (failed.has(connection)) {
            await connection.command({ query: NOTHING });
            failed.delete(connection);
          }
          try {
            return await work(connection);
          } catch (error) {
            failed.add(connection);
            throw error;
          }
        },
        signal,
      ),
    drain: () => pool.drain(),
  };
}
