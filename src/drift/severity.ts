/** How bad a verdict is. Pure. */

import type { Severity, Verdict } from '../contract/verdict.ts';

/** Text that nobody registered, or none at all, is in front of users: critical. A registered text in the wrong place: warning. */
const SEVERITY: Readonly<Record<Verdict, Severity>> = {
  in_sync: 'info',
  unverifiable: 'info',
  unreachable: 'info',
  stale_version: 'warning',
  ahead: 'warning',
  settings_changed: 'warning',
  replica_split: 'warning',
  badge_lied: 'warning',
  output_drift: 'warning',
  off_baseline: 'warning',
  edited: 'critical',
  unregistered: 'critical',
  missing: 'critical',
  registry_tampered: 'critical',
};

/** Only a name that is known to be no production lowers the severity: a wrong guess must err to the loud side. */
const REHEARSAL = /^(dev|development|local|test|testing|qa|ci|stage|staging|sandbox|preview|demo)\b/i;

export function severityOf(verdict: Verdict, environment: string): Severity {
  const severity = SEVERITY[verdict];
  if (!REHEARSAL.test(environment)) return severity;
  return severity === 'critical' ? 'warning' : 'info';
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

export function isWorse(severity: Severity, than: Severity): boolean {
  return RANK[severity] > RANK[than];
}
