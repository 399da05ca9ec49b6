/**
 * Reads the spool in order, from any position, segment by segment. A torn or damaged place is
 * stepped over to the next whole record and reported; it never stops what comes behind it.
 */

import { open, type FileHandle } from 'node:fs/promises';
import { Fault } from '../../contract/fault.ts';
import { offsetOf, positionAt, segmentOf, type SpoolPosition } from './position.ts';
import { findRecord, parseRecord, type Section } from './record.ts';
import type { Spool, SpoolSegment } from './spool.ts';

export interface SpoolChunk {
  readonly records: readonly { readonly sections: readonly Section[]; readonly end: SpoolPosition }[];
  /** Where to go on. */
  readonly next: SpoolPosition;
  /** Bytes that were no record. A torn last write is normal after a crash, and was never acknowledged. */
  readonly skippedBytes: number;
  /** Those of them with a record behind: they were one themselves, and are damaged. */
  readonly damaged: readonly DamagedBytes[];
}

export interface DamagedBytes {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  /** Empty where the file ends before, or is gone: somebody cut or deleted it. */
  readonly bytes: Buffer;
}

const NOTHING = { records: [], skippedBytes: 0, damaged: [] } as const;

export class SpoolReader {
  readonly #spool: Spool;
  #file: FileHandle | null = null;
  #fileSegment = -1;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** About `bytesMax` of records from `from` on, of one segment; none when `from` is the end. */
  async read(from: SpoolPosition, bytesMax: number): Promise<SpoolChunk> {
    const { segments } = this.#spool;
    const index = segments.findIndex((segment) => segment.number >= segmentOf(from));
    const segment = segments[index];
    if (segment === undefined) return { ...NOTHING, next: from };
    const offset = segment.number === segmentOf(from) ? offsetOf(from) : 0;
    const following = segments[index + 1];
    if (offset >= segment.durableBytes) {
      return { ...NOTHING, next: following === undefined ? from : positionAt(following.number, 0) };
    }
    return this.#readSegment(segment, offset, bytesMax);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#fileSegment = -1;
    await file?.close();
  }

  async #readSegment(segment: SpoolSegment, offset: number, bytesMax: number): Promise<SpoolChunk> {
    const end = Math.min(segment.durableBytes, await this.#bytesOf(segment));
    if (offset >= end) return missing(segment, offset);
    let buffer = await this.#readBytes(segment, offset, Math.min(bytesMax, end - offset));
    const records: { sections: readonly Section[]; end: SpoolPosition }[] = [];
    let at = 0;
    const damaged: DamagedBytes[] = [];
    let skippedBytes = 0;
    while (at < buffer.length) {
      const parsed = parseRecord(buffer, at);
      if (parsed.kind === 'record') {
        at = parsed.end;
        records.push({ sections: parsed.sections, end: positionAt(segment.number, offset + at) });
        continue;
      }
      const bytesLeft = end - offset - at;
      if (parsed.kind === 'incomplete' && parsed.needBytes <= bytesLeft) {
        if (records.length > 0) break;
        buffer = await this.#readBytes(segment, offset, at + parsed.needBytes);
        continue;
      }
      const resume = findRecord(buffer, at + 1);
      if (resume === -1 && offset + buffer.length < end) {
        if (records.length > 0) break;
        // The next record may begin behind, or with the last bytes of this.
        buffer = await this.#readBytes(segment, offset, Math.min(2 * buffer.length, end - offset));
        continue;
      }
      const next = resume === -1 ? buffer.length : resume;
      skippedBytes += next - at;
      if (resume !== -1) {
        const bytes = buffer.subarray(at, next);
        damaged.push({ segment: segment.number, offset: offset + at, length: bytes.length, bytes });
      }
      at = next;
    }
    return { records, next: positionAt(segment.number, offset + at), skippedBytes, damaged };
  }

  /** Opens it. 0 when it is gone. */
  async #bytesOf(segment: SpoolSegment): Promise<number> {
    try {
      if (this.#fileSegment !== segment.number) {
        await this.close();
        this.#file = await open(segment.path, 'r');
        this.#fileSegment = segment.number;
      }
      return (await (this.#file as FileHandle).stat()).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw await this.#unreadable(segment, error);
    }
  }

  /** It is opened anew for the next attempt, in case somebody has moved the file away. */
  async #unreadable(segment: SpoolSegment, error: unknown): Promise<Fault> {
    await this.close().catch(() => {});
    return new Fault('transient', `${segment.path} can't be read: ${(error as Error).message}.`, {
      hint: 'The calls in it and behind it wait. Check the disk; to go on without those in it, move the file away.',
      cause: error,
    });
  }

  async #readBytes(segment: SpoolSegment, offset: number, length: number): Promise<Buffer> {
    const file = this.#file as FileHandle;
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const left = length - filled;
      const { bytesRead } = await file.read(buffer, filled, left, offset + filled).catch(async (error: unknown) => {
        throw await this.#unreadable(segment, error);
      });
      if (bytesRead === 0) throw await this.#unreadable(segment, new Error('it became shorter'));
      filled += bytesRead;
    }
    return buffer;
  }
}

/** All of the segment from `offset` on. */
function missing({ number: segment, durableBytes }: SpoolSegment, offset: number): SpoolChunk {
  const length = durableBytes - offset;
  const damaged = [{ segment, offset, length, bytes: Buffer.alloc(0) }];
  return { records: [], next: positionAt(segment, durableBytes), skippedBytes: length, damaged };
}
