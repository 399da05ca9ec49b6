/** What the API answers about the audit chain; see `answers.ts`. */

import { z } from 'zod';
import { AUDIT_FINDINGS, AUDIT_KINDS, ENTERED } from '../contract/audit.ts';
import { count, hash, maybe, text, time } from './answers.ts';

const fields = z.record(text, maybe).meta({
  id: 'AuditFields',
  description: 'What is hashed, by name, in this order.',
});

export const AuditRow = fields;

const entry = {
  writer: text,
  segment: text,
  sequence: count,
  at: time,
  kind: z.enum(AUDIT_KINDS),
  subject: z.array(text),
  entered: z.enum(ENTERED),
  content_hash: hash,
  previous_hash: hash.nullable(),
  hash,
  content: fields.nullable(),
};
export const AuditEntry = z.object(entry).meta({ id: 'AuditEntry' });

export const ReportLine = z
  .union([AuditEntry, z.object({ text: hash, content: text })])
  .meta({ id: 'AuditReportLine' });

const head = z.object({ writer: text, segment: text, sequence: count, at: time, hash }).meta({ id: 'AuditHead' });
export const AuditHeads = z.object({ data: z.array(head) });

const finding = z
  .object({
    what: z.enum(AUDIT_FINDINGS),
    segment: maybe,
    sequence: count.nullable(),
    kind: z.enum(AUDIT_KINDS).nullable(),
    subject: z.array(text),
    words: text,
  })
  .meta({ id: 'AuditFinding' });

const verification = z
  .object({
    ok: z.boolean(),
    entries: count,
    segments: count,
    rows: z.record(text, count),
    heads: z.array(head),
    late: count,
    earlier: count,
    waiting: count,
    not_covered: count,
    let_go: z.array(fields),
    findings: z.array(finding),
    findings_total: count,
  })
  .meta({ id: 'AuditVerification' });

export const Verification = z
  .object({
    id: text,
    status: z.enum(['running', 'done', 'failed']),
    progress: z.object({ step: text, done: count, total: count }),
    verification: verification.nullable(),
    error: maybe,
  })
  .meta({ id: 'Verification' });
