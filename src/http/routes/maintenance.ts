/** What an operator does to stored telemetry: look at what could not be taken, try it again, price calls anew. */

import { z } from 'zod';
import { listOf, Quarantined, QuarantinedInFull, QuarantineDone, Repriced } from '../answers.ts';
import { assertPeriod, timestamp } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import { list, quarantineShape } from '../shapes.ts';

const LISTED_MAX = 1_000;
const params = z.strictObject({ id: z.string() });

export const maintenanceRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/quarantine',
    summary: 'Telemetry that could not be read, stored or settled, newest first, without its content.',
    scope: 'read',
    query: z.strictObject({
      status: z.enum(['waiting', 'replayed', 'discarded', 'any']).default('waiting'),
      limit: z.coerce.number().int().min(1).max(LISTED_MAX).default(100),
    }),
    answer: listOf(Quarantined),
    handle: async ({ query }, api) => ({
      json: list((await api.quarantine.list(query.status, query.limit)).map((entry) => quarantineShape(entry, false))),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/quarantine/{id}',
    summary: 'One quarantined entry with its content.',
    scope: 'operate',
    params,
    answer: QuarantinedInFull,
    handle: async ({ params: { id } }, api) => {
      const entry = await api.quarantine.show(id);
      if (entry === null) throw notFound(`The quarantined entry ${id}`, 'GET /api/v1/quarantine lists them.');
      return { json: quarantineShape(entry, true) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/quarantine/{id}/replay',
    summary: 'Tries a quarantined entry again.',
    scope: 'operate',
    params,
    answer: QuarantineDone,
    handle: async ({ params: { id } }, api) => {
      await api.quarantine.replay(id);
      return { json: { id, status: 'replayed' } };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/quarantine/{id}/discard',
    summary: 'Takes a quarantined entry off the list for good.',
    scope: 'operate',
    params,
    answer: QuarantineDone,
    handle: async ({ params: { id } }, api) => {
      await api.quarantine.discard(id);
      return { json: { id, status: 'discarded' } };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/reprice',
    summary:
      'Prices stored calls of a period anew, with the prices that the daemon started with: history is restated. When `next` is no null, ask again from there.',
    scope: 'operate',
    body: z.strictObject({ from: timestamp, to: timestamp }),
    answer: Repriced,
    handle: async ({ body: { from, to } }, api) => {
      assertPeriod(from, to);
      const { callsKeptSince, ...repriced } = await api.reprice(from, to);
      return { json: { ...repriced, calls_kept_since: callsKeptSince } };
    },
  }),
];
