import { describe, expect, it } from 'vitest';
import { bytesOfHash, digestOfHashes, encodeFields } from '../../src/audit/encoding.ts';
import { placed } from '../../src/audit/entry.ts';
import { ReportCheck, reportLineShape } from '../../src/audit/report-check.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { chain } from './chains.ts';

const entries = chain('w', [3, 2]);
const head = {
  plumbline_audit_report: 1,
  how_to_verify: '',
  exported_at: '',
  plumbline: '1.0.0',
  from: null,
  to: null,
  heads: entries.slice(-1).map(({ writer, segment, sequence, at, hash }) => ({ writer, segment, sequence, at, hash })),
};
const text = { text: sha256('Hello'), content: 'Hello' };
const lines: readonly object[] = [head, ...entries.map(reportLineShape), text, { end: true, entries: entries.length }];

function told(report: readonly object[], noted: readonly string[] = []): readonly string[] {
  const check = new ReportCheck(noted);
  for (const line of report) expect(check.line(JSON.stringify(line))).toBe(true);
  return check.end().findings.map(({ what, words }) => `${what}: ${words}`);
}

describe('a report', () => {
  it('holds', () => {
    expect(told(lines, [entries[1]?.hash ?? ''])).toEqual([]);
  });

  it('shows what was edited in it', () => {
    const other = { ...(lines[2] as AuditEntry), content: { id: 'i1', revision: '2', by: 'nobody' } };
    expect(told(lines.with(2, other))).toEqual([
      'row_altered: The content that stands beside the entry is not the one it was.',
    ]);
    expect(told(lines.with(2, { ...other, content: null }))).toEqual([
      'row_gone: The row that it is about was not in the store when this was exported.',
    ]);
    expect(told(lines.with(6, { ...text, content: 'Bye' }))).toEqual([
      `text_altered: The text ${text.text} is not the one that has this hash.`,
    ]);
  });

  it('shows what is missing of it', () => {
    expect(told(lines.toSpliced(2, 1))).toEqual(
      ['report_incomplete: It had 5 entries and has 4.', 'entry_missing: Entry 2 of w-0 is missing.'].toReversed(),
    );
    expect(told(lines.slice(0, -1))).toEqual([
      'report_incomplete: The report has no last line: a part of it is missing.',
    ]);
    const [first = head] = lines;
    expect(told([first, ...lines.slice(1, 4), { end: true, entries: 3 }])).toEqual([
      `head_missing: No intact entry has the hash ${entries.at(-1)?.hash} that was noted.`,
    ]);
  });

  describe('with the rows of its batches', () => {
    const rows = ['one', 'two', 'three'].map((content) => ({ target: 'config/a', strict_hash: content, share: null }));
    const digest = digestOfHashes(new Set(rows.map((row) => bytesOfHash(encodeFields(row)))));
    const [begin] = chain('v', [1]);
    const batch = placed(
      {
        kind: 'observations',
        subject: ['v-0', '1', '3', 'A', 'B'],
        entered: 'at_once',
        contentHash: digest,
        content: null,
      },
      { writer: 'v', segment: 'v-0', sequence: 2, at: begin?.at as Timestamp, previousHash: begin?.hash ?? null },
    );
    const of = (entry: AuditEntry, some: readonly object[]) => some.map((content) => ({ row_of: entry.hash, content }));
    const withRows = (...more: readonly object[]): readonly object[] => [
      { ...head, rows: true, heads: [] },
      reportLineShape(begin as AuditEntry),
      reportLineShape(batch),
      ...more,
    ];
    const end = { end: true, entries: 2 };

    it('holds, in whatever order they stand, each once', () => {
      expect(told(withRows(...of(batch, [...rows, ...rows].toReversed()), end))).toEqual([]);
      // Without them there is nothing to compare.
      expect(told([{ ...head, heads: [] }, ...withRows(end).slice(1)])).toEqual([]);
    });

    it('shows rows that were altered, taken out, put in or moved', () => {
      const words = (count: number): string =>
        `rows_altered: The observations from A to B that stand here, ${count} of 3, are not those that were recorded.`;
      expect(told(withRows(...of(batch, rows.with(1, { ...(rows[1] as object), share: '1' } as never)), end))).toEqual([
        words(3),
      ]);
      expect(told(withRows(...of(batch, rows.slice(1)), end))).toEqual([words(2)]);
      expect(told(withRows(...of(batch, [...rows, { target: 'config/b' }]), end))).toEqual([words(4)]);
      expect(told(withRows(end))).toEqual([words(0)]);
      expect(told(withRows(...of(batch, rows), text, ...of(batch, rows), end))).toHaveLength(3);
    });

    it('says which line is no row', () => {
      expect(told(withRows(...of(batch, [...rows, { target: 7 }]), end))).toEqual([
        'report_incomplete: Line 7 is no row.',
      ]);
      expect(told(withRows({ row_of: 'sha256:0', content: {} }, ...of(batch, rows), end))).toEqual([
        'report_incomplete: Line 4 is a row of no entry before it.',
      ]);
    });

    it('may have two entries of one batch, of which one is right', () => {
      const other = placed(
        { ...batch, contentHash: sha256('a part of it') },
        { writer: 'v', segment: 'v-0', sequence: 3, at: batch.at, previousHash: batch.hash },
      );
      const both = [...of(batch, rows), reportLineShape(other), ...of(other, rows), { end: true, entries: 3 }];
      expect(told(withRows(...both))).toEqual([]);
    });
  });

  it('does not take what nobody exported for an entry', () => {
    const entry = reportLineShape(entries[1] as AuditEntry);
    for (const odd of [{ content: { id: 7 } }, { subject: [1] }, { at: null }, { previous_hash: 5 }, { content: [] }])
      expect(told([head, { ...entry, ...odd }])[0]).toBe('report_incomplete: Line 2 is no entry.');
  });

  it('is told from any other file, and from lines that are none of it', () => {
    expect(new ReportCheck([]).line('{"a":1}')).toBe(false);
    expect(new ReportCheck([]).line('sources: []')).toBe(false);
    const check = new ReportCheck([]);
    check.line(JSON.stringify({ ...head, heads: [] }));
    check.line('{"kind":');
    check.line('{"kind":"other"}');
    check.line('{"end":true,"entries":0}');
    expect(check.end().findings.map(({ words }) => words)).toEqual(['Line 2 can’t be read.', 'Line 3 is no entry.']);
  });
});
