/**
 * The write-ahead spool: what a sender was told is safe is in here until the store has it. Appends
 * from many requests share one write to the disk (group commit). Bounded in bytes: a full spool
 * or a full disk refuses with `overloaded` and loses nothing. Knows bytes, not telemetry.
 */

import { constants, fstatSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat, statfs, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../contract/fault.ts';
import { offsetOf, positionAt, segmentOf, type SpoolPosition } from './position.ts';
import type { DamagedBytes } from './reader.ts';
import { encodeRecord, recordBytes, type Section } from './record.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** False when somebody took the directory away, or put another in its place: what is written then is found by nobody. */
  readonly isThere?: (() => boolean) | undefined;
  /** All segments together, what waits to be written included. */
  readonly bytesMax: number;
  /** A segment is closed when it is longer than this. Must be below 2^32. */
  readonly segmentBytesMax: number;
  /** Left free on the disk; seen to when a segment is begun. */
  readonly keepFreeBytes: number;
  /** What a refused sender should wait. */
  readonly retryAfterMs: number;
}

export interface SpoolSegment {
  readonly number: number;
  readonly path: string;
  /** Bytes that are durable. Behind them may be a torn write that nobody was told is safe. */
  durableBytes: number;
}

interface Waiting {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly resolve: (end: SpoolPosition) => void;
  readonly reject: (reason: unknown) => void;
}

// A gathering write takes at most IOV_MAX (1024) buffers on Linux.
const PIECES_PER_WRITE_MAX = 1_000;
// What is written is on the disk when the write returns: to ask for that apart would take another turn of the
// event loop, which under load is as long as the writing.
const NEW_AND_DURABLE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC;
const SEGMENT_NAME = /^(\d{12})\.spool$/;
const DAMAGED = '.damaged';
const DAMAGED_MAX = 100;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #segments: SpoolSegment[];
  #file: FileHandle | null = null;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #storedBytes: number;
  #writing: Promise<void> | null = null;
  #closed = false;
  #isFull = false;
  #nextSegment: number;

  private constructor(options: SpoolOptions, segments: SpoolSegment[]) {
    this.#options = options;
    this.#segments = segments;
    this.#storedBytes = segments.reduce((sum, segment) => sum + segment.durableBytes, 0);
    this.#nextSegment = (segments.at(-1)?.number ?? 0) + 1;
  }

  /** Finds what an earlier process left behind; it is read as any other segment. */
  static async open(options: SpoolOptions): Promise<Spool> {
    await mkdir(options.directory, { recursive: true });
    const segments: SpoolSegment[] = [];
    for (const name of (await readdir(options.directory)).toSorted()) {
      const match = SEGMENT_NAME.exec(name);
      if (match === null) continue;
      const path = join(options.directory, name);
      segments.push({ number: Number(match[1]), path, durableBytes: (await stat(path)).size });
    }
    return new Spool(options, segments);
  }

  get usedBytes(): number {
    return this.#storedBytes + this.#waitingBytes;
  }

  get bytesMax(): number {
    return this.#options.bytesMax;
  }

  /** Why nothing is taken until something leaves, so that nobody makes a record ready in vain; null when it may be taken. */
  get fullness(): Fault | null {
    return this.#isFull ? this.#full() : null;
  }

  /** Oldest first; the last one may still grow. */
  get segments(): readonly Readonly<SpoolSegment>[] {
    return this.#segments;
  }

  /** Where reading starts: the oldest byte that is still here. */
  get start(): SpoolPosition {
    return positionAt(this.#segments[0]?.number ?? this.#nextSegment, 0);
  }

  /** Behind the last durable byte. */
  get end(): SpoolPosition {
    const last = this.#segments.at(-1);
    return last === undefined ? positionAt(this.#nextSegment, 0) : positionAt(last.number, last.durableBytes);
  }

  /**
   * Resolves with the position behind the record once it is on disk. Throws a `Fault` of kind
   * `overloaded` when the spool or the disk is full; then nothing of it was kept.
   */
  append(sections: readonly Section[]): Promise<SpoolPosition> {
    const bytes = recordBytes(sections);
    if (this.#closed) return Promise.reject(this.#refusal('The daemon is stopping.'));
    if (this.usedBytes + bytes > this.#options.bytesMax) {
      // One that hardly fits into an empty spool says nothing about others.
      this.#isFull = bytes <= this.#options.bytesMax / 2;
      return Promise.reject(this.#full());
    }
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pieces: encodeRecord(sections), bytes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Deletes the segments that end at or before `position`. */
  async release(position: SpoolPosition): Promise<void> {
    for (let oldest = this.#segments[0]; oldest !== undefined; oldest = this.#segments[0]) {
      const isActive = this.#file !== null && this.#segments.length === 1;
      const isDone =
        segmentOf(position) > oldest.number ||
        (segmentOf(position) === oldest.number && offsetOf(position) >= oldest.durableBytes);
      if (!isDone || (isActive && (this.#writing !== null || oldest.durableBytes === 0))) return;
      if (isActive) await this.#seal();
      this.#segments.shift();
      this.#storedBytes -= oldest.durableBytes;
      this.#isFull = false;
      await rm(oldest.path, { force: true });
    }
  }

  /** Keeps bytes that nobody can read beside the segments, for somebody to look at. Returns where; null when enough is kept. */
  async keepAside({ segment, offset, bytes }: DamagedBytes): Promise<string | null> {
    const { directory } = this.#options;
    const kept = (await readdir(directory)).filter((name) => name.endsWith(DAMAGED)).length;
    if (kept >= DAMAGED_MAX) return null;
    const path = join(directory, `${segmentName(segment)}-${offset}${DAMAGED}`);
    await writeFile(path, bytes);
    return path;
  }

  /** Writes what was accepted, then closes. Safe twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#seal();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        const segment = await this.#activeSegment();
        await this.#writeGroup(segment, group);
      } catch (error) {
        this.#waitingBytes -= bytesOf(group);
        this.#isFull = false;
        const refusal = this.#refusal(`The spool can't be written: ${(error as Error).message}.`, error);
        for (const waiting of group) waiting.reject(refusal);
      }
    }
    // In the same turn in which nothing was waiting: whoever comes next begins anew.
    this.#writing = null;
  }

  #takeGroup(): Waiting[] {
    let pieces = 0;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      pieces += waiting.pieces.length;
      bytes += waiting.bytes;
      if (count > 0 && (pieces > PIECES_PER_WRITE_MAX || bytes > this.#options.segmentBytesMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeGroup(segment: SpoolSegment, group: readonly Waiting[]): Promise<void> {
    const file = this.#file as FileHandle;
    const bytes = bytesOf(group);
    try {
      const pieces = group.flatMap((waiting) => waiting.pieces);
      await writeFully(file, pieces, segment.durableBytes);
      // Written, and gone with this process: somebody removed the file, or the directory.
      if (fstatSync(file.fd).nlink === 0) throw new Error(`${segment.path} was removed`);
      if (this.#options.isThere?.() === false) throw new Error(`${this.#options.directory} was removed or replaced`);
    } catch (error) {
      // What is behind the durable end is unknown now, and after a failed one the kernel may have
      // dropped it: never append to this file again.
      await file.truncate(segment.durableBytes).catch(() => {});
      await this.#abandon(segment);
      throw error;
    }
    let end = segment.durableBytes;
    segment.durableBytes += bytes;
    this.#storedBytes += bytes;
    // Before whoever waited goes on, and appends more.
    this.#waitingBytes -= bytes;
    for (const waiting of group) {
      end += waiting.bytes;
      waiting.resolve(positionAt(segment.number, end));
    }
  }

  async #activeSegment(): Promise<SpoolSegment> {
    const last = this.#segments.at(-1);
    if (this.#file !== null && last !== undefined) {
      if (last.durableBytes < this.#options.segmentBytesMax) return last;
      await this.#seal();
    }
    await this.#checkDisk();
    const number = this.#nextSegment;
    const path = join(this.#options.directory, `${segmentName(number)}.spool`);
    const file = await open(path, NEW_AND_DURABLE);
    this.#nextSegment += 1;
    this.#file = file;
    const segment: SpoolSegment = { number, path, durableBytes: 0 };
    this.#segments.push(segment);
    try {
      await syncDirectory(this.#options.directory);
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    return segment;
  }

  /** The store may be writing to the same disk, and the embedded one does not notice that a write finds it full. */
  async #checkDisk(): Promise<void> {
    const { directory, keepFreeBytes, segmentBytesMax } = this.#options;
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    if (free < keepFreeBytes + segmentBytesMax)
      throw new Error(`its disk is full but for ${free} bytes, which are kept free`);
  }

  /** Never appends to it again. One without anything durable goes: a full disk would else leave one for each refusal. */
  async #abandon(segment: SpoolSegment): Promise<void> {
    const isEmpty = segment.durableBytes === 0;
    // Before anything is waited for: once it is sealed, `release` would unlink its number as well.
    if (isEmpty) this.#segments.pop();
    await this.#seal();
    if (!isEmpty) return;
    await unlink(segment.path).then(
      () => (this.#nextSegment = segment.number),
      () => {},
    );
  }

  async #seal(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch(() => {});
  }

  #full(): Fault {
    return this.#refusal(`The spool is full (${this.usedBytes} of ${this.#options.bytesMax} bytes).`);
  }

  #refusal(message: string, cause?: unknown): Fault {
    return new Fault('overloaded', message, { retryAfterMs: this.#options.retryAfterMs, cause });
  }
}

function bytesOf(group: readonly Waiting[]): number {
  return group.reduce((sum, { bytes }) => sum + bytes, 0);
}

function segmentName(number: number): string {
  return String(number).padStart(12, '0');
}

/** `writev` may write less than asked; then the rest follows. */
async function writeFully(file: FileHandle, pieces: readonly Buffer[], position: number): Promise<void> {
  let at = position;
  let rest = pieces;
  while (rest.length > 0) {
    const batch = rest.slice(0, PIECES_PER_WRITE_MAX);
    const { bytesWritten } = await file.writev(batch, at);
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

function dropBytes(pieces: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count;
  let index = 0;
  for (; index < pieces.length; index += 1) {
    const { length } = pieces[index] as Buffer;
    if (length > left) break;
    left -= length;
  }
  const rest = pieces.slice(index);
  if (left > 0) rest[0] = (rest[0] as Buffer).subarray(left);
  return rest;
}

/** A new file's name is durable only when its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
