import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChainCheck } from '../../src/audit/chain-check.ts';
import { encodeFields, hashOfFields } from '../../src/audit/encoding.ts';
import { placed } from '../../src/audit/entry.ts';
import { Findings } from '../../src/audit/findings.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis } from '../../src/lib/time.ts';
import { chain } from './chains.ts';

function check(entries: readonly AuditEntry[], { isExcerpt = false, noted = [] as readonly string[] } = {}) {
  const findings = new Findings();
  const chains = new ChainCheck(findings, { isExcerpt, noted });
  for (const entry of entries) chains.take(entry);
  const heads = chains.end();
  return { heads, told: findings.first.map(({ what, words }) => `${what}: ${words}`), findings };
}

const whole = chain('w', [4, 1, 3]);
const entryAfter = ({ at }: AuditEntry) => addMillis(at, 1);

describe('the encoding', () => {
  it('is netstrings of names and values, whose lengths are bytes', () => {
    expect(encodeFields({ a: 'ü', 'b c': null, d: '' })).toBe('1:a,2:ü,3:b c,-,1:d,0:,');
    // What docs/audit.md and anybody's `printf | sha256sum` say.
    expect(hashOfFields({ a: 'ü' })).toBe(sha256('1:a,2:ü,'));
  });

  it('is another one for other fields', () => {
    const fields = fc.dictionary(fc.string(), fc.option(fc.string()), { noNullPrototype: true });
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const isSame = JSON.stringify(Object.entries(a)) === JSON.stringify(Object.entries(b));
        return isSame === (encodeFields(a) === encodeFields(b));
      }),
    );
  });
});

describe('chains', () => {
  it('hold, of several writers, also where an entry was written twice', () => {
    const other = chain('v', [2, 2], whole);
    const { told, heads } = check([...whole.flatMap((entry) => [entry, entry]), ...other]);
    expect(told).toEqual([]);
    expect(heads.map(({ hash }) => hash)).toEqual([whole.at(-1)?.hash, other.at(-1)?.hash]);
  });

  it('show any entry that was altered, taken out, put in or swapped, but for the last ones of all', () => {
    const at = fc.integer({ min: 0, max: whole.length - 2 });
    const field = fc.constantFrom('writer', 'at', 'kind', 'entered', 'contentHash', 'previousHash', 'hash');
    fc.assert(
      fc.property(at, field, (index, name) => {
        const entry = whole[index] as AuditEntry;
        // Made anew it has a hash that is right, and what follows does not any more.
        const anew = placed({ ...entry, contentHash: sha256('other'), content: null }, entry);
        const edited = [
          whole.with(index, { ...entry, [name]: sha256('other') }),
          whole.with(index, anew),
          whole.toSpliced(index, 0, anew),
          whole.toSpliced(index, 1),
        ];
        return edited.every((entries) => check(entries).told.length > 0);
      }),
    );
    const last = whole.at(-1) as AuditEntry;
    expect(check(whole.with(whole.length - 1, { ...last, at: entryAfter(last) })).told).toEqual([
      'entry_altered: The entry does not have its own hash any more.',
    ]);
  });

  it('say what is missing', () => {
    expect(check(whole.toSpliced(1, 2)).told).toEqual(['entry_missing: Entries 2 to 3 of w-0 are missing.']);
    expect(check(whole.toSpliced(3, 1)).told).toEqual(['entry_missing: Entry 4 of w-0 is missing.']);
    expect(check(whole.toSpliced(0, 1)).told).toEqual(['entry_missing: Entry 1 of w-0 is missing.']);
    expect(check(whole.toSpliced(4, 1)).told).toEqual(['entry_missing: The whole segment w-1 is missing.']);
    const other = chain('v', [2], whole);
    expect(check(other).told).toEqual(['entry_missing: The whole segment w-2 is missing.']);
  });

  it('say what was put in after the end of a segment', () => {
    const last = whole[3] as AuditEntry;
    const more = placed({ ...last }, { ...last, sequence: 5, previousHash: last.hash });
    expect(check(whole.toSpliced(4, 0, more)).told).toEqual([
      'entry_inserted: Entries after 4 were not there when the next segment, w-1, began.',
    ]);
  });

  it('miss a head that was noted, also where all that follows was made anew', () => {
    const noted = [whole[2]?.hash ?? ''];
    expect(check(whole, { noted }).told).toEqual([]);
    const anew = chain('w', [4, 1, 3]).map((entry) => ({ ...entry }));
    let previousHash: AuditEntry['previousHash'] = null;
    const forged = anew.map((entry, index) => {
      const content = index === 1 ? { id: 'i1', revision: '2', by: 'forged' } : entry.content;
      const contentHash = content === null ? entry.contentHash : hashOfFields(content);
      const made = placed({ ...entry, content, contentHash }, { ...entry, previousHash });
      previousHash = made.hash;
      return made;
    });
    expect(check(forged, { noted }).told).toContain(
      `head_missing: No intact entry has the hash ${noted[0]} that was noted.`,
    );
  });

  it('may begin and end in the middle in an excerpt, and lack nothing in between', () => {
    expect(check(whole.slice(2, 7), { isExcerpt: true }).told).toEqual([]);
    expect(check(whole.slice(4), { isExcerpt: true }).told).toEqual([]);
    expect(check([...whole.slice(0, 4), ...whole.slice(5)], { isExcerpt: true }).told).toEqual([]);
    const longer = chain('w', [2, 2, 2, 2]);
    const gap = [...longer.slice(2, 4), ...longer.slice(6)];
    expect(check(gap, { isExcerpt: true }).told).toEqual(['entry_missing: The whole segment w-2 is missing.']);
  });
});
