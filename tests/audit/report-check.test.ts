import { describe, expect, it } from 'vitest';
import { ReportCheck, reportLineShape } from '../../src/audit/report-check.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
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
