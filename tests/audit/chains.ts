/** Chains as a daemon writes them, for tests. */

import { hashOfFields } from '../../src/audit/encoding.ts';
import { headsText, placed, type EntryDraft } from '../../src/audit/entry.ts';
import type { AuditEntry, AuditFields } from '../../src/contract/audit.ts';
import { addMillis } from '../../src/lib/time.ts';
import { time } from '../support/store-samples.ts';

export function draft(kind: AuditEntry['kind'], subject: readonly string[], content: AuditFields): EntryDraft {
  return { kind, subject, entered: 'at_once', contentHash: hashOfFields(content), content };
}

/** Segments of one writer, of so many entries each; they tell of the heads before them. */
export function chain(writer: string, sizes: readonly number[], others: readonly AuditEntry[] = []): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const [number, size] of sizes.entries()) {
    const segment = `${writer}-${number}`;
    const before = entries.at(-1);
    const heads = [...others.slice(-1), ...(before === undefined ? [] : [before])];
    for (let sequence = 1; sequence <= size; sequence++) {
      const previous = entries.at(-1);
      const subject =
        sequence > 1 ? ['i1', String(sequence)] : before === undefined ? [] : [before.segment, String(before.sequence)];
      const content: AuditFields =
        sequence === 1
          ? { plumbline: '1.0.0', heads: headsText(heads) }
          : { id: 'i1', revision: String(sequence), by: null };
      const at = addMillis(time('02:00:00'), entries.length * 1_000);
      const place = { writer, segment, sequence, at, previousHash: previous?.hash ?? null };
      entries.push(placed(draft(sequence === 1 ? 'begin' : 'incident', subject, content), place));
    }
  }
  return entries;
}
