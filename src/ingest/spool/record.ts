/**
 * The format of the spool's files: records of `magic, payload length, CRC-32 of the payload`, each
 * payload a list of sections of `lane, length, bytes`. A record is whole or it is not there.
 */

import { crc32 } from 'node:zlib';

/** Bytes bound for one table. `lane` is the table's number in `lanes.ts`. */
export interface Section {
  readonly lane: number;
  readonly bytes: Buffer;
}

const MAGIC = Buffer.from('PLR1', 'latin1');
const HEADER_BYTES = 12;
const SECTION_HEADER_BYTES = 5;

/** The pieces of one record, for a gathering write; section bytes are not copied. */
export function encodeRecord(sections: readonly Section[]): Buffer[] {
  const pieces: Buffer[] = [Buffer.allocUnsafe(HEADER_BYTES)];
  let length = 0;
  let crc = 0;
  for (const section of sections) {
    const head = Buffer.allocUnsafe(SECTION_HEADER_BYTES);
    head.writeUInt8(section.lane, 0);
    head.writeUInt32LE(section.bytes.length, 1);
    crc = crc32(section.bytes, crc32(head, crc));
    length += SECTION_HEADER_BYTES + section.bytes.length;
    pieces.push(head, section.bytes);
  }
  const header = pieces[0] as Buffer;
  MAGIC.copy(header, 0);
  header.writeUInt32LE(length, 4);
  header.writeUInt32LE(crc, 8);
  return pieces;
}

export function recordBytes(sections: readonly Section[]): number {
  return sections.reduce((sum, section) => sum + SECTION_HEADER_BYTES + section.bytes.length, HEADER_BYTES);
}

/**
 * - `record`: whole; `end` is the offset behind it.
 * - `incomplete`: the buffer ends before the record does; `needBytes` from `offset` would show more.
 * - `corrupt`: these bytes are no record.
 */
export type ParsedRecord =
  | { readonly kind: 'record'; readonly sections: readonly Section[]; readonly end: number }
  | { readonly kind: 'incomplete'; readonly needBytes: number }
  | { readonly kind: 'corrupt' };

/** Reads the record at `offset`. Sections are slices of `buffer`. */
export function parseRecord(buffer: Buffer, offset: number): ParsedRecord {
  if (buffer.length - offset < HEADER_BYTES) return { kind: 'incomplete', needBytes: HEADER_BYTES };
  if (buffer.compare(MAGIC, 0, 4, offset, offset + 4) !== 0) return { kind: 'corrupt' };
  const length = buffer.readUInt32LE(offset + 4);
  const start = offset + HEADER_BYTES;
  const end = start + length;
  if (end > buffer.length) return { kind: 'incomplete', needBytes: HEADER_BYTES + length };
  if (crc32(buffer.subarray(start, end)) !== buffer.readUInt32LE(offset + 8)) return { kind: 'corrupt' };
  const sections = parseSections(buffer, start, end);
  return sections === null ? { kind: 'corrupt' } : { kind: 'record', sections, end };
}

/** Where the next record may begin behind a corrupt place, or -1. */
export function findRecord(buffer: Buffer, from: number): number {
  return buffer.indexOf(MAGIC, from);
}

function parseSections(buffer: Buffer, start: number, end: number): Section[] | null {
  const sections: Section[] = [];
  for (let at = start; at < end;) {
    if (end - at < SECTION_HEADER_BYTES) return null;
    const bytesStart = at + SECTION_HEADER_BYTES;
    const bytesEnd = bytesStart + buffer.readUInt32LE(at + 1);
    if (bytesEnd > end) return null;
    sections.push({ lane: buffer.readUInt8(at), bytes: buffer.subarray(bytesStart, bytesEnd) });
    at = bytesEnd;
  }
  return sections;
}
