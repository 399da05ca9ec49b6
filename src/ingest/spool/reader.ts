/**
 * Reads the spool in order, from any position, segment by segment. A torn or damaged place is
 * stepped over to the next whole record and reported; it never stops what comes behind it.
 */

import { open, type FileHandle } from 'node:fs/promises';
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
    const end = segment.durableBytes;
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
      const next = resume === -1 ? buffer.length : resume;
      skippedBytes += next - at;
      if (resume !== -1)
        damaged.push({ segment: segment.number, offset: offset + at, bytes: buffer.subarray(at, next) });
      at = next;
    }
    return { records, next: positionAt(segment.number, offset + at), skippedBytes, damaged };
  }

  async #readBytes(segment: SpoolSegment, offset: number, length: number): Promise<Buffer> {
    if (this.#fileSegment !== segment.number) {
      await this.close();
      this.#file = await open(segment.path, 'r');
      this.#fileSegment = segment.number;
    }
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await (this.#file as FileHandle).read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
}
