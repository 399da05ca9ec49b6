/** Memory that is used again: nobody who still holds a line may see somebody else's. */

import { describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { factHead, FactLine, factsLine, readFacts, standAlone } from '../../src/ingest/content/fact-rows.ts';
import { ownPage } from '../../src/ingest/content/shared-page.ts';
import { laneNumber } from '../../src/ingest/loading/lanes.ts';
import { RecentRecords } from '../../src/ingest/loading/recent-records.ts';
import { positionAt, type SpoolPosition } from '../../src/ingest/spool/position.ts';
import { recordBytes, type Section } from '../../src/ingest/spool/record.ts';
import { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import { systemClock } from '../../src/lib/time.ts';
import { seededRandom } from '../support/random.ts';

const AT = '2026-11-21T10:00:00.000000000Z' as Timestamp;

describe('a growing buffer', () => {
  it('holds what was added, however it grew, and begins anew when it was cleared', () => {
    const buffer = new GrowingBuffer();
    const pieces = ['a', 'é', '日本', '\u{1F600}', 'x'.repeat(100_000), '日'.repeat(50_000), ''];
    for (const piece of pieces) buffer.add(piece);
    expect(buffer.addBytes(Buffer.from('end'))).toBe(Buffer.byteLength(pieces.join('')));
    expect(buffer.bytes.toString()).toBe(`${pieces.join('')}end`);
    buffer.truncate(1);
    expect(buffer.bytes.toString()).toBe('a');
    buffer.clear();
    buffer.add('b');
    expect(buffer.bytes.toString()).toBe('b');
  });

  it('moves seldom, however large it grows', () => {
    const buffer = new GrowingBuffer();
    const piece = 'x'.repeat(1024 * 1024);
    const rooms = new Set<Buffer>();
    for (let pieces = 0; pieces < 100; pieces += 1) {
      buffer.add(piece);
      rooms.add(buffer.room);
    }
    expect(buffer.length).toBe(100 * piece.length);
    expect(rooms.size).toBeLessThan(12);
    buffer.clear();
  });

  it('gives its room to the next one', () => {
    const first = new GrowingBuffer(3_000_000);
    first.add('first');
    const { room } = first;
    first.clear();
    const second = new GrowingBuffer(3_000_000);
    second.add('second');
    expect(second.room).toBe(room);
    expect(first.bytes).toHaveLength(0);
  });
});

describe('recent records', () => {
  const numbers = seededRandom();
  const random = (): number => numbers.next();

  it(`lines that somebody holds read as they were written, whatever was let go of, seed ${numbers.seed}`, () => {
    const recent = new RecentRecords(400_000, 40_000, systemClock);
    const held = new Map<FactLine, string>();
    const wrong: string[] = [];
    let end = positionAt(1, 0);
    let loaded: SpoolPosition = end;
    for (let step = 0; step < 2_000; step += 1) {
      const { sections, facts, names } = record(step, 1 + Math.floor(random() * 5), Math.floor(random() * 3_000));
      end = (end + recordBytes(sections)) as SpoolPosition;
      recent.add(end, sections, facts);
      // The sender's memory is used again at once.
      for (const { bytes } of sections) bytes.fill(0);
      for (const [index, line] of facts.entries()) if (random() < 0.3) held.set(line, names[index] as string);
      for (const line of facts) if (held.has(line)) line.page.hold();
      // In the end the store is away, and the oldest are forgotten.
      if (step < 1_500 && random() < 0.2) loaded = loadOne(recent, loaded);
      for (const line of [...held.keys()].slice(0, Math.floor(random() * 2))) {
        if (random() < 0.3) standAlone([line]);
        line.page.release();
        held.delete(line);
      }
      if (step % 50 === 0) wrong.push(...misread(held));
    }
    expect(held.size).toBeGreaterThan(20);
    expect([...wrong, ...misread(held)]).toEqual([]);
  });
});

/** What is not read as it was written. */
function misread(held: ReadonlyMap<FactLine, string>): string[] {
  return [...held].filter(([line, name]) => readFacts(line).requestModel !== name).map(([, name]) => name);
}

/** A batch goes to the store; where it was forgotten, the spool has it. */
function loadOne(recent: RecentRecords, from: SpoolPosition): SpoolPosition {
  const batch = recent.take(from);
  if (batch === null) return from;
  expect(batch.lanes.get(laneNumber('span_facts'))?.at(-1)).toBe(10);
  batch.release();
  return batch.end;
}

function record(
  step: number,
  count: number,
  bytes: number,
): { sections: Section[]; facts: FactLine[]; names: readonly string[] } {
  const names = Array.from({ length: count }, (_, index) => `${step}-${index}-${'m'.repeat(bytes)}`);
  const page = ownPage(Buffer.alloc(0));
  let start = 0;
  let lines = '';
  const facts = names.map((requestModel, index) => {
    const packed = {
      traceId: String(step).padStart(32, '0'),
      spanId: String(index).padStart(16, '0'),
      recordId: '',
      startedAt: AT,
      role: 'call',
      requestModel,
    } as unknown as SpanFacts;
    const line = factsLine(packed, AT);
    lines += line;
    start += line.length;
    return new FactLine(factHead(packed), page, start - line.length, start - 1);
  });
  const text = Buffer.from(`{"hash":"sha256:${step}","content":"t"}\n`);
  const sections = [
    { lane: laneNumber('call_texts'), bytes: text },
    { lane: laneNumber('span_facts'), bytes: Buffer.from(lines) },
  ];
  return { sections, facts, names };
}
