/** What the loader has read from the spool meanwhile is not kept for it any longer. */

import { expect, it } from 'vitest';
import { RecentRecords } from '../../src/ingest/loading/recent-records.ts';
import type { SpoolPosition } from '../../src/ingest/spool/position.ts';
import { systemClock } from '../../src/lib/time.ts';
import { SpoolReader } from '../../src/ingest/spool/reader.ts';
import { Spool } from '../../src/ingest/spool/spool.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const BATCH_BYTES = 4_000;

it('holds nothing when all is loaded, however often loading fell behind', async () => {
  const spool = await Spool.open({
    directory: tempDirectory(),
    bytesMax: 10_000_000,
    segmentBytesMax: 6_000,
    keepFreeBytes: 0,
    retryAfterMs: 1,
  });
  const recent = new RecentRecords(4 * BATCH_BYTES, BATCH_BYTES, systemClock);
  const reader = new SpoolReader(spool);
  let at: SpoolPosition = spool.start;
  const loaded: string[] = [];
  let appended = 0;
  const append = async (): Promise<void> => {
    const bytes = Buffer.from(`${String((appended += 1)).padEnd(70 + (appended % 40))}\n`);
    const sections = [{ lane: 1, bytes }];
    recent.add(await spool.append(sections), sections, []);
  };
  const loadOne = async (): Promise<void> => {
    const batch = recent.take(at);
    const chunk = batch === null ? await reader.read(at, BATCH_BYTES) : null;
    const rows = batch?.lanes.get(1) ?? Buffer.concat(chunk?.records.map(({ sections }) => sections[0]!.bytes) ?? []);
    if (rows.length > 0) loaded.push(...rows.toString().trimEnd().split('\n'));
    at = (batch?.end ?? chunk?.next) as SpoolPosition;
    batch?.release();
  };
  for (let outage = 1; outage <= 5; outage += 1) {
    for (let count = 0; count < 400; count += 1) await append();
    while (at < spool.end) await loadOne();
    expect(recent.bytes).toBe(0);
  }
  expect(loaded.map(Number)).toEqual(Array.from({ length: appended }, (_, index) => index + 1));
  await reader.close();
  await spool.close();
});
