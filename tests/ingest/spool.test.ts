import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { isFault } from '../../src/contract/fault.ts';
import { positionAt, type SpoolPosition } from '../../src/ingest/spool/position.ts';
import type { Section } from '../../src/ingest/spool/record.ts';
import { SpoolReader } from '../../src/ingest/spool/reader.ts';
import { Spool, type SpoolOptions } from '../../src/ingest/spool/spool.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const OPTIONS = { bytesMax: 10_000_000, segmentBytesMax: 100_000, keepFreeBytes: 0, retryAfterMs: 1_000 };

function openSpool(directory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return Spool.open({ directory, ...OPTIONS, ...options });
}

function record(text: string, lane = 3): Section[] {
  return [{ lane, bytes: Buffer.from(text) }];
}

/** All that can be read, and how many bytes were no record, or a damaged one. */
async function readAll(
  spool: Spool,
  bytesMax = 64_000,
): Promise<{ texts: string[]; skipped: number; damaged: number }> {
  const reader = new SpoolReader(spool);
  const texts: string[] = [];
  let [skipped, damaged] = [0, 0];
  for (let at = spool.start; at < spool.end;) {
    const chunk = await reader.read(at, bytesMax);
    if (chunk.next === at) break;
    at = chunk.next;
    skipped += chunk.skippedBytes;
    for (const { length } of chunk.damaged) damaged += length;
    for (const { sections } of chunk.records) texts.push(sections.map(({ bytes }) => bytes.toString()).join('|'));
  }
  await reader.close();
  return { texts, skipped, damaged };
}

function segmentFiles(directory: string): string[] {
  return readdirSync(directory)
    .toSorted()
    .map((name) => join(directory, name));
}

describe('the spool', () => {
  it('gives back what was appended, in order, over segments and restarts', async () => {
    const directory = tempDirectory();
    const texts = Array.from({ length: 300 }, (_, index) => `${index}:${'x'.repeat(index * 7)}`);
    const spool = await openSpool(directory, { segmentBytesMax: 20_000 });
    const ends = await Promise.all(texts.map((text) => spool.append(record(text))));
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect(segmentFiles(directory).length).toBeGreaterThan(2);
    expect(await readAll(spool)).toEqual({ texts, skipped: 0, damaged: 0 });
    await spool.close();
    const again = await openSpool(directory);
    await again.append(record('after the restart'));
    expect(await readAll(again, 100)).toEqual({ texts: [...texts, 'after the restart'], skipped: 0, damaged: 0 });
    await again.close();
  });

  it('writes what is appended in the moment in which it has nothing more to write', async () => {
    const spool = await openSpool(tempDirectory());
    // Each `async` around it is another turn between the end of a write and the next append.
    const wrapped = [
      (text: string): Promise<SpoolPosition> => spool.append(record(text)),
      async (text: string): Promise<SpoolPosition> => await spool.append(record(text)),
      async (text: string): Promise<SpoolPosition> => {
        const end = await spool.append(record(text));
        return await Promise.resolve(end);
      },
    ];
    for (const append of wrapped) for (const text of ['one', 'two', 'three']) await append(text);
    expect((await readAll(spool)).texts).toHaveLength(9);
    await spool.close();
  });

  it('keeps several sections of one record together', async () => {
    const spool = await openSpool(tempDirectory());
    await spool.append([...record('a', 1), ...record('', 2), ...record('c', 3)]);
    expect((await readAll(spool)).texts).toEqual(['a||c']);
    await spool.close();
  });

  it('refuses when it is full, says when to come back, and has room again once it was released', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory, { bytesMax: 1_000, segmentBytesMax: 300 });
    const text = 'y'.repeat(200);
    const ends: SpoolPosition[] = [];
    const refusal = await (async () => {
      for (;;) ends.push(await spool.append(record(text)));
    })().catch((error: unknown) => error);
    expect(isFault(refusal) && refusal.kind === 'overloaded' && refusal.retryAfterMs).toBe(1_000);
    expect(spool.usedBytes).toBeLessThanOrEqual(1_000);
    expect(spool.fullness).toEqual(refusal);
    await spool.release(ends[1] as SpoolPosition);
    expect(spool.fullness).toBeNull();
    await spool.append(record(text));
    expect((await readAll(spool)).texts).toHaveLength(ends.length - 1);
    await spool.release(spool.end);
    expect(segmentFiles(directory)).toEqual([]);
    expect(spool.usedBytes).toBe(0);
    await expect(spool.append(record('z'.repeat(2_000)))).rejects.toThrow('full');
    expect(spool.fullness).toBeNull();
    await spool.close();
  });

  it('is not full any more when what took its room could not be written', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(join(directory, 'spool'), { bytesMax: 1_000 });
    writeFileSync(join(directory, 'spool', '000000000001.spool'), '');
    const text = 'y'.repeat(200);
    const refused = await Promise.allSettled(Array.from({ length: 6 }, () => spool.append(record(text))));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect([spool.usedBytes, spool.fullness]).toEqual([0, null]);
    await spool.close();
  });

  it('refuses everything that waits when the disk refuses, and goes on when it recovers', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(join(directory, 'spool'), { segmentBytesMax: 10 });
    await spool.append(record('before'));
    // A file where the next segment must be made fails it the way a disk does.
    const next = join(directory, 'spool', '000000000002.spool');
    writeFileSync(next, '');
    const refused = await Promise.allSettled([spool.append(record('one')), spool.append(record('two'))]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    unlinkSync(next);
    await spool.append(record('after'));
    expect((await readAll(spool)).texts).toEqual(['before', 'after']);
    await spool.close();
  });

  it('leaves nothing behind of what a full disk refused, and goes on when there is room', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory, { segmentBytesMax: 30 });
    await spool.append(record('before'));
    const files = segmentFiles(directory);
    const handle = await open(files[0] as string);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const full = vi.spyOn(prototype, 'writev').mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    for (let time = 0; time < 20; time++) await expect(spool.append(record('refused'))).rejects.toThrow('full');
    full.mockRestore();
    const sync = vi.spyOn(prototype, 'sync').mockRejectedValueOnce(new Error('no name'));
    await expect(spool.append(record('without a name'))).rejects.toThrow('no name');
    sync.mockRestore();
    expect(segmentFiles(directory)).toEqual(files);
    const end = await spool.append(record('after'));
    expect((await readAll(spool)).texts).toEqual(['before', 'after']);
    expect(segmentFiles(directory)).toHaveLength(2);
    await spool.release(end);
    expect(segmentFiles(directory)).toEqual([]);
    await spool.close();
  });

  it('leaves the rest of the disk to the store', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory, { keepFreeBytes: Number.MAX_SAFE_INTEGER });
    const refused = { kind: 'overloaded', message: expect.stringMatching(/disk is full but for \d+ bytes/) };
    await expect(spool.append(record('one'))).rejects.toMatchObject(refused);
    expect(segmentFiles(directory)).toEqual([]);
    await spool.close();
  });

  it('acknowledges nothing that went into a file which somebody removed', async () => {
    const directory = join(tempDirectory(), 'spool');
    const spool = await openSpool(directory);
    await spool.append(record('kept until now'));
    rmSync(directory, { recursive: true });
    const removed = { kind: 'overloaded', message: expect.stringContaining('spool was removed') };
    await expect(spool.append(record('lost'))).rejects.toMatchObject(removed);
    await expect(spool.append(record('lost too'))).rejects.toMatchObject({
      message: expect.stringContaining('ENOENT'),
    });
    mkdirSync(directory);
    await spool.append(record('taken again'));
    await spool.close();
    expect((await readAll(await openSpool(directory))).texts).toEqual(['taken again']);
  });

  it('loses nothing before the place where a crash tore it, wherever that is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 50 }), { minLength: 1, maxLength: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (texts, share) => {
          const directory = tempDirectory();
          const spool = await openSpool(directory);
          const ends: number[] = [];
          for (const text of texts) ends.push((await spool.append(record(text))) % 2 ** 32);
          await spool.close();
          const file = segmentFiles(directory)[0] as string;
          const size = Math.floor(statSync(file).size * share);
          truncateSync(file, size);
          const again = await openSpool(directory);
          await again.append(record('new'));
          const whole = texts.filter((_, index) => (ends[index] as number) <= size);
          expect((await readAll(again, 40)).texts).toEqual([...whole, 'new']);
          await again.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('steps over what was deleted or cut short under its hands, and says how much', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory, { segmentBytesMax: 30 });
    for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) await spool.append(record(text));
    const files = segmentFiles(directory);
    unlinkSync(files[0] as string);
    truncateSync(files[1] as string, 21);
    expect(await readAll(spool)).toMatchObject({ texts: ['five', 'six'], skipped: 20 * 2 + 22 + 21 });
    const gone = [
      (await new SpoolReader(spool).read(spool.start, 64_000)).damaged,
      (await new SpoolReader(spool).read(positionAt(2, 21), 64_000)).damaged,
    ];
    expect(gone).toMatchObject([[{ segment: 1, offset: 0, length: 40 }], [{ segment: 2, offset: 21, length: 22 }]]);
    await spool.release(spool.end);
    expect(segmentFiles(directory)).toEqual([]);
    await spool.close();
  });

  it('says which file it cannot read, goes on when it can, and without it when it was moved away', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory, { segmentBytesMax: 1 });
    for (const text of ['one', 'two']) await spool.append(record(text));
    const handle = await open(directory);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const reader = new SpoolReader(spool);
    const read = vi.spyOn(prototype, 'read');
    const path = join(directory, '000000000001.spool');
    const expectUnreadable = async (): Promise<void> => {
      read.mockRejectedValueOnce(new Error('EIO: i/o error'));
      await expect(reader.read(spool.start, 64_000)).rejects.toMatchObject({
        kind: 'transient',
        message: `${path} can't be read: EIO: i/o error.`,
        hint: expect.stringContaining('move the file away'),
      });
    };
    await expectUnreadable();
    expect((await reader.read(spool.start, 64_000)).records).toHaveLength(1);
    await expectUnreadable();
    renameSync(path, `${path}.away`);
    expect(await reader.read(spool.start, 64_000)).toMatchObject({
      records: [],
      next: positionAt(1, 20),
      skippedBytes: 20,
    });
    await reader.close();
    await spool.close();
  });

  it('loses one record by a byte that went bad, and tells of it, whichever byte and wherever a read ends', async () => {
    const directory = tempDirectory();
    const texts = ['one', 'PLR1 as a text', 'x'.repeat(120), 'PLR', 'y'.repeat(40), 'last'];
    const spool = await openSpool(directory);
    const ends: number[] = [];
    for (const text of texts) ends.push((await spool.append(record(text))) % 2 ** 32);
    await spool.close();
    const file = segmentFiles(directory)[0] as string;
    const good = readFileSync(file);
    for (const [index, byte] of good.entries()) {
      const bad = Buffer.from(good);
      bad[index] = byte ^ 0x80;
      writeFileSync(file, bad);
      const hit = ends.findIndex((end) => end > index);
      const [start, end] = [ends[hit - 1] ?? 0, ends[hit] as number];
      for (const bytesMax of [20, 50, 64_000]) {
        const again = await openSpool(directory);
        const { texts: read, skipped, damaged } = await readAll(again, bytesMax);
        // Behind the last there is nothing that tells it from what a crash left.
        const told = end === good.length ? 0 : end - start;
        expect([index, bytesMax, read, skipped, damaged]).toEqual([
          index,
          bytesMax,
          texts.toSpliced(hit, 1),
          end - start,
          told,
        ]);
        await again.close();
      }
    }
  });

  it('steps over damage in the middle and counts it', async () => {
    const directory = tempDirectory();
    const spool = await openSpool(directory);
    for (const text of ['one', 'two', 'three']) await spool.append(record(text));
    await spool.close();
    const file = segmentFiles(directory)[0] as string;
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('two')] = 0;
    writeFileSync(file, bytes);
    const again = await openSpool(directory);
    const { texts, skipped } = await readAll(again);
    expect(texts).toEqual(['one', 'three']);
    expect(skipped).toBe(20);
    const [damaged] = (await new SpoolReader(again).read(again.start, 64_000)).damaged;
    expect(damaged).toMatchObject({ segment: 1, offset: 20 });
    const path = (damaged && (await again.keepAside(damaged))) ?? '';
    expect(readFileSync(path)).toEqual(bytes.subarray(20, 40));
    await again.close();
    expect((await readAll(await openSpool(directory))).texts).toEqual(['one', 'three']);
  });
});
