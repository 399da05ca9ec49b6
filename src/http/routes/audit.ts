/** The audit chain: its entries, its heads, a report for somebody else, and whether it holds. */

import { z } from 'zod';
import { reportLineShape } from '../../audit/report-check.ts';
import { AUDIT_KINDS } from '../../contract/audit.ts';
import { listOf } from '../answers.ts';
import { AuditEntry, AuditHeads, AuditRow, ReportLine, Verification } from '../answers-about-audit.ts';
import { verificationShape } from '../shapes-of-audit.ts';
import { assertPeriod, paging, timestamp } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import { page } from '../shapes.ts';

const NOTED_MAX = 100;
const noted = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not `sha256:` and 64 hex digits');

export const auditRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Entries of the audit chain, newest first.',
    scope: 'read',
    query: z.strictObject({
      kind: z.enum(AUDIT_KINDS).optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      ...paging,
    }),
    answer: listOf(AuditEntry),
    handle: async ({ query: { limit, cursor, ...filter } }, api) => {
      assertPeriod(filter.from, filter.to);
      return { json: page(await api.audit.list(filter, { limit, cursor }), reportLineShape) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/heads',
    summary: 'The last entry of each chain: noted elsewhere, it shows later that nothing before it was edited.',
    scope: 'read',
    answer: AuditHeads,
    handle: async (_request, api) => ({ json: { data: await api.audit.heads() } }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/report',
    summary: 'Entries in the order of the chains, with what was hashed: the lines of a report.',
    scope: 'read',
    query: z.strictObject({ from: timestamp.optional(), to: timestamp.optional(), ...paging }),
    answer: listOf(ReportLine),
    handle: async ({ query: { limit, cursor, ...period } }, api) => {
      assertPeriod(period.from, period.to);
      return { json: page(await api.audit.report(period, { limit, cursor }), reportLineShape) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/rows',
    summary: 'The observations of which an entry of kind `observations` has the digest, as they are hashed.',
    scope: 'read',
    query: z.strictObject({
      segment: z.string().min(1).max(100),
      sequence: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
      ...paging,
    }),
    answer: listOf(AuditRow),
    handle: async ({ query: { limit, cursor, ...place } }, api) => {
      const rows = await api.audit.rows(place, { limit, cursor });
      if (rows === null)
        throw notFound(
          `The entry ${place.sequence} of ${place.segment}, of kind observations,`,
          'GET /api/v1/audit?kind=observations lists them.',
        );
      return { json: page(rows, (fields) => fields) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/audit/verifications',
    summary:
      'Begins to recompute the chains and to compare them with the store. `heads`: hashes that must be in them; `from`: compare only observations since.',
    scope: 'read',
    body: z.strictObject({ heads: z.array(noted).max(NOTED_MAX).default([]), from: timestamp.optional() }),
    answer: Verification,
    handle: async ({ body: { heads, from } }, api) => ({
      json: verificationShape(api.verifyAudit({ noted: heads, from })),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/verifications/{id}',
    summary: 'How far a verification is, and what it found.',
    scope: 'read',
    params: z.strictObject({ id: z.string() }),
    answer: Verification,
    handle: async ({ params: { id } }, api) => {
      const state = api.auditVerification(id);
      if (state === null)
        throw notFound(`The verification ${id}`, 'POST /api/v1/audit/verifications begins one; the last are kept.');
      return { json: verificationShape(state) };
    },
  }),
];
