/**
 * The records that were just spooled, still in memory and put together by table, so that loading
 * need not read, parse and gather them again. Bounded: while the store is away the oldest are
 * forgotten here and read from the spool later.
 */

import type { Clock } from '../../contract/time.ts';
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import type { FactLine } from '../content/fact-rows.ts';
import { SharedPage } from '../content/shared-page.ts';
import { offsetOf, positionAt, segmentOf, type SpoolPosition } from '../spool/position.ts';
import { recordBytes, type Section } from '../spool/record.ts';
import { laneNumber } from './lanes.ts';

const FACTS_LANE = laneNumber('span_facts');

/** Records that follow one another. */
export interface RecentBatch {
  /** The rows of each table, by the lane's number. */
  readonly lanes: ReadonlyMap<number, Buffer>;
  readonly facts: readonly FactLine[];
  /** Behind the last record. */
  readonly end: SpoolPosition;
  /** When the last of it was received, in monotonic milliseconds. */
  readonly receivedUpToMs: number;
  /** To be called once, when its rows are in the store. Facts that somebody holds on to stay. */
  release(): void;
}

class Batch {
  end: SpoolPosition;
  bytes = 0;
  readonly receivedSinceMs: number;
  receivedUpToMs: number;
  readonly facts: FactLine[] = [];
  readonly #page: SharedPage;
  readonly #lanes = new Map<number, GrowingBuffer>();
  readonly #expected: ReadonlyMap<number, number>;

  /** `expected`: how many bytes of each lane. */
  constructor(start: SpoolPosition, expected: ReadonlyMap<number, number>, nowMs: number) {
    this.end = start;
    this.receivedSinceMs = nowMs;
    this.receivedUpToMs = nowMs;
    this.#expected = expected;
    this.#page = new SharedPage(expected.get(FACTS_LANE) ?? 0);
    this.#page.hold();
  }

  /** Copies all of it: the sections are the caller's again. */
  add(end: SpoolPosition, sections: readonly Section[], facts: readonly FactLine[], nowMs: number): void {
    for (const line of facts) line.receivedMs = nowMs;
    for (const { lane, bytes } of sections) {
      if (lane === FACTS_LANE) this.#addFacts(bytes, facts);
      else this.#laneOf(lane).addBytes(bytes);
    }
    this.end = end;
    this.receivedUpToMs = nowMs;
    this.bytes += recordBytes(sections);
  }

  get lanes(): ReadonlyMap<number, Buffer> {
    const lanes = new Map([...this.#lanes].map(([lane, lines]) => [lane, lines.bytes]));
    if (this.facts.length > 0) lanes.set(FACTS_LANE, this.#page.bytes);
    return lanes;
  }

  release(): void {
    for (const lines of this.#lanes.values()) lines.clear();
    this.#page.release();
  }

  #addFacts(bytes: Buffer, facts: readonly FactLine[]): void {
    const offset = this.#page.add(bytes);
    for (const line of facts) {
      line.page = this.#page;
      line.start += offset;
      line.end += offset;
      this.facts.push(line);
    }
  }

  #laneOf(lane: number): GrowingBuffer {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const lines = new GrowingBuffer(this.#expected.get(lane));
    this.#lanes.set(lane, lines);
    return lines;
  }
}

export class RecentRecords {
  readonly #bytesMax: number;
  readonly #batchBytesMax: number;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #byStart = new Map<SpoolPosition, Batch>();
  #growing: Batch | null = null;
  /** Of the batch before. */
  #expected: ReadonlyMap<number, number> = new Map();
  #bytes = 0;

  constructor(bytesMax: number, batchBytesMax: number, clock: Clock) {
    this.#bytesMax = bytesMax;
    this.#batchBytesMax = batchBytesMax;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For how long the oldest of them has been waiting to be loaded; 0 when none does. */
  get waitingMs(): number {
    for (const { receivedSinceMs } of this.#byStart.values()) return this.#clock.monotonicMs() - receivedSinceMs;
    return 0;
  }

  /** Copies the sections, and has `facts` stand in the copy. They were received now. */
  add(end: SpoolPosition, sections: readonly Section[], facts: readonly FactLine[]): void {
    const nowMs = Math.trunc(this.#clock.monotonicMs());
    const bytes = recordBytes(sections);
    const start = positionAt(segmentOf(end), offsetOf(end) - bytes);
    if (this.#growing?.end !== start || this.#growing.bytes >= this.#batchBytesMax) {
      this.#growing = new Batch(start, this.#expected, nowMs);
      this.#byStart.set(start, this.#growing);
    }
    this.#growing.add(end, sections, facts, nowMs);
    this.#bytes += bytes;
    for (const [oldest, batch] of this.#byStart) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#remove(oldest, batch);
      batch.release();
    }
  }

  /**
   * The records from `start` on, as far as they were put together. Those before are forgotten: what
   * was read from the spool ends somewhere within them.
   */
  take(start: SpoolPosition): RecentBatch | null {
    for (const [before, passed] of this.#byStart) {
      if (before >= start) break;
      this.#remove(before, passed);
      passed.release();
    }
    const batch = this.#byStart.get(start);
    if (batch === undefined) return null;
    this.#remove(start, batch);
    this.#expected = new Map([...batch.lanes].map(([lane, rows]) => [lane, rows.length]));
    return batch;
  }

  #remove(start: SpoolPosition, batch: Batch): void {
    this.#byStart.delete(start);
    this.#bytes -= batch.bytes;
    if (this.#growing === batch) this.#growing = null;
  }
}
