/** Findings as they are gathered: the first of them in full, all of them counted. Pure. */

import type { AuditEntry, AuditFinding } from '../contract/audit.ts';

/** Somebody who edited everything is told so by a few. */
export const FINDINGS_MAX = 1_000;

export class Findings {
  readonly first: AuditFinding[] = [];
  total = 0;

  add(finding: AuditFinding): void {
    this.total += 1;
    if (this.first.length < FINDINGS_MAX) this.first.push(finding);
  }

  about(entry: AuditEntry, what: AuditFinding['what'], words: string): void {
    const { segment, sequence, kind, subject } = entry;
    this.add({ what, segment, sequence, kind, subject, words });
  }

  /** Where there is no entry, or not the one that should be there. */
  inSegment(segment: string, sequence: number | null, what: AuditFinding['what'], words: string): void {
    this.add({ what, segment, sequence, kind: null, subject: [], words });
  }
}
