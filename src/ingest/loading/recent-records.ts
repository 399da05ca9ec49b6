/**
 * The records that were just spooled, still in memory, so that loading need not read and parse them
 * again. Bounded: while the store is away the oldest are forgotten here and read from the spool later.
 */

import type { FactLine } from '../content/fact-rows.ts';
import { offsetOf, positionAt, segmentOf, type SpoolPosition } from '../spool/position.ts';
import { recordBytes, type Section } from '../spool/record.ts';

export interface RecentRecord {
  readonly sections: readonly Section[];
  readonly facts: readonly FactLine[];
  /** Behind it. */
  readonly end: SpoolPosition;
}

interface Kept extends RecentRecord {
  readonly bytes: number;
}

export class RecentRecords {
  readonly #bytesMax: number;
  readonly #byStart = new Map<SpoolPosition, Kept>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(end: SpoolPosition, sections: readonly Section[], facts: readonly FactLine[]): void {
    const bytes = recordBytes(sections);
    this.#byStart.set(positionAt(segmentOf(end), offsetOf(end) - bytes), { sections, facts, end, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#byStart.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#take(oldest);
    }
  }

  /** Takes the records from `start` on that follow one another, about `bytesMax` of them. */
  takeFrom(start: SpoolPosition, bytesMax: number): readonly RecentRecord[] {
    const records: RecentRecord[] = [];
    let bytes = 0;
    for (let at = start; bytes < bytesMax;) {
      const record = this.#take(at);
      if (record === null) break;
      records.push(record);
      bytes += record.bytes;
      at = record.end;
    }
    return records;
  }

  #take(start: SpoolPosition): Kept | null {
    const record = this.#byStart.get(start);
    if (record === undefined) return null;
    this.#byStart.delete(start);
    this.#bytes -= record.bytes;
    return record;
  }
}
