/** The JSON of the audit chain; see `shapes.ts`. Pure. */

import type { AuditVerification } from '../contract/audit.ts';
import type { VerificationState } from './api.ts';

export function auditVerificationShape(verification: AuditVerification): object {
  const { entries, segments, rows, heads, late, earlier, waiting, letGo, findings } = verification;
  return {
    ok: verification.findingsTotal === 0,
    entries,
    segments,
    rows,
    heads,
    late,
    earlier,
    waiting,
    not_covered: verification.notCovered,
    let_go: letGo,
    findings,
    findings_total: verification.findingsTotal,
  };
}

export function verificationShape({ id, status, progress, verification, error }: VerificationState): object {
  const answer = verification === null ? null : auditVerificationShape(verification);
  return { id, status, progress, verification: answer, error };
}
