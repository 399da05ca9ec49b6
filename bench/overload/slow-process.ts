/**
 * The ingest and its receiver in a process of their own, on a store that takes only so many bytes a
 * second, until it is told otherwise. Arguments: a data directory, bytes a second, bytes of spool.
 */

import { sleep } from '../../src/lib/limits.ts';
import type { Database } from '../../src/store/database.ts';
import { openIngest } from '../../tests/support/open-ingest.ts';

export interface SlowReport {
  readonly residentMb: number;
  readonly cpuSeconds: number;
  readonly insertedBytes: number;
  readonly calls: number;
  /** Of what is accepted and not settled. */
  readonly waitingBytes: number;
}

const [directory, rate, spoolBytesMax] = process.argv.slice(2) as [string, string, string];
let bytesPerSecond = Number(rate);
let insertedBytes = 0;
let queue: Promise<void> = Promise.resolve();

/** One insert after the other, as one slow disk would. */
function slow(database: Database): Database {
  return {
    ...database,
    insertJsonLines: async (table, lines) => {
      const turn = queue.then(() =>
        bytesPerSecond === 0
          ? undefined
          : sleep((lines.byteLength / bytesPerSecond) * 1_000, new AbortController().signal),
      );
      queue = turn;
      await turn;
      await database.insertJsonLines(table, lines);
      insertedBytes += lines.byteLength;
    },
  };
}

const { database, port, waitingBytes, stop } = await openIngest(
  directory,
  { spoolBytesMax: Number(spoolBytesMax) },
  slow,
);

async function report(): Promise<SlowReport> {
  const [row] = await database.query<{ calls: string }>(
    'SELECT uniqExact(trace_id, span_id) AS calls FROM invocations WHERE is_deleted = 0',
  );
  const { user, system } = process.cpuUsage();
  const residentMb = process.memoryUsage.rss() / 1e6;
  return {
    residentMb,
    cpuSeconds: (user + system) / 1e6,
    insertedBytes,
    calls: Number(row?.calls),
    waitingBytes: waitingBytes(),
  };
}

process.on('message', (message) => {
  if (message === 'report') void report().then((answer) => process.send?.(answer));
  else if (message === 'memory') process.send?.(process.memoryUsage.rss() / 1e6);
  else if (message === 'quick') bytesPerSecond = 0;
  else if (message === 'calls') {
    void database
      .query<{ span_id: string }>('SELECT span_id FROM invocations FINAL WHERE is_deleted = 0')
      .then((rows) => process.send?.(rows.map((row) => row.span_id)));
  } else if (message === 'stop') {
    void stop();
  }
});
// Whoever measured has gone.
process.once('disconnect', () => process.exit(1));
process.send?.({ port });
