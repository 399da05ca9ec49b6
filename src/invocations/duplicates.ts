/**
 * One fact for each span or record, however often it was sent. A sender may resend a batch, and an
 * exporter may send a span twice with different content; the result depends on neither.
 */

import type { FactRole, SpanFacts } from '../contract/span-facts.ts';
import { canonicalJson } from '../lib/json.ts';

/** Of two versions of one span the one that says more about it wins. */
const RANK: Readonly<Record<FactRole, number>> = {
  call: 0,
  report: 1,
  detail: 2,
  evaluation: 3,
  wrapper: 4,
  link: 5,
};

export function withoutDuplicates(facts: readonly SpanFacts[]): readonly SpanFacts[] {
  if (facts.length < 2) return facts;
  const byIdentity = new Map<string, SpanFacts | SpanFacts[]>();
  for (const fact of facts) {
    const key = `${fact.traceId}/${fact.spanId}/${fact.recordId}`;
    const present = byIdentity.get(key);
    if (present === undefined) byIdentity.set(key, fact);
    else if (Array.isArray(present)) present.push(fact);
    else if (present !== fact) byIdentity.set(key, [present, fact]);
  }
  return Array.from(byIdentity.values(), (entry) => (Array.isArray(entry) ? mergeVersions(entry) : entry));
}

/** Sorted, so that the order of arrival does not matter; then each fills what the ones before left open. */
function mergeVersions(versions: readonly SpanFacts[]): SpanFacts {
  // A record's place in its request may differ between two sendings of it; it is the same record.
  const sequence = Math.min(...versions.map((version) => version.sequence ?? 0));
  const distinct = new Map(versions.map((version) => [canonicalJson({ ...version, sequence: 0 }), version]));
  const sorted = [...distinct].toSorted(
    ([a, left], [b, right]) =>
      RANK[left.role] - RANK[right.role] ||
      (right.endedAt ?? '').localeCompare(left.endedAt ?? '') ||
      b.length - a.length ||
      (a < b ? -1 : 1),
  );
  const merged = Object.assign({}, ...sorted.map(([, version]) => version).toReversed()) as SpanFacts;
  return merged.signal === 'log' ? { ...merged, sequence } : merged;
}
