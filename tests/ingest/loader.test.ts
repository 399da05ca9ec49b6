import { expect, it } from 'vitest';
import { laneNumber } from '../../src/ingest/loading/lanes.ts';
import { Loader } from '../../src/ingest/loading/loader.ts';
import { PatientWriter } from '../../src/ingest/loading/patient-writer.ts';
import { RecentRecords } from '../../src/ingest/loading/recent-records.ts';
import type { SpoolPosition } from '../../src/ingest/spool/position.ts';
import { Spool } from '../../src/ingest/spool/spool.ts';
import { systemClock } from '../../src/lib/time.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { openStore } from './harness.ts';

const FAR = Number.MAX_SAFE_INTEGER as SpoolPosition;

/** Loads five segments of one text each; `settledUpTo` says what the spool may let go of. */
async function load(settledUpTo: () => SpoolPosition | null): Promise<{ rows: number; segments: number }> {
  const { database, telemetry } = await openStore();
  const options = { bytesMax: 1_000_000, segmentBytesMax: 1, keepFreeBytes: 0, retryAfterMs: 1 };
  const spool = await Spool.open({ directory: tempDirectory(), ...options });
  for (let index = 0; index < 5; index += 1) {
    const bytes = Buffer.from(`{"hash":"sha256:${index}","content":"text ${index}"}\n`);
    await spool.append([{ lane: laneNumber('call_texts'), bytes }]);
  }
  const onError = (error: unknown): void => {
    throw error;
  };
  const loader = new Loader({
    spool,
    writer: new PatientWriter({
      log: telemetry,
      clock: systemClock,
      onTrouble: () => {},
      backoffMs: 1,
      backoffMaxMs: 1,
      stalledMs: 60_000,
    }),
    // Nothing is remembered: all of it has to be read from the spool.
    recent: new RecentRecords(0, 0, systemClock),
    settle: () => Promise.resolve(),
    heardUpTo: () => {},
    settledUpTo,
    onError,
    clock: systemClock,
    batchBytesMax: 1_000_000,
    lingerMs: 1,
  });
  await loader.start();
  await loader.stop(5_000);
  const [row] = await database.query<{ rows: string }>('SELECT count() AS rows FROM call_texts');
  const { length: segments } = spool.segments;
  await spool.close();
  await database.close();
  return { rows: Number(row?.rows), segments };
}

it('lets go of a segment only when it is loaded and settled', async () => {
  expect(await load(() => null)).toEqual({ rows: 5, segments: 0 });
});

it('never lets go of what is not loaded, whatever is settled', async () => {
  expect(await load(() => FAR)).toEqual({ rows: 5, segments: 0 });
});

it('keeps what is loaded and not settled', async () => {
  expect(await load(() => 0 as SpoolPosition)).toEqual({ rows: 5, segments: 5 });
});
