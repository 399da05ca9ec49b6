/** Incidents: what is wrong now, what was, and what a person says about it. */

import { z } from 'zod';
import { INCIDENT_STATUSES } from '../../contract/incident.ts';
import { SEVERITIES, VERDICTS } from '../../contract/verdict.ts';
import { addMillis, parseDuration } from '../../lib/time.ts';
import { Incident, IncidentInFull, listOf } from '../answers.ts';
import { paging, timestamp } from '../parameters.ts';
import { badRequest, notFound } from '../problem.ts';
import { route } from '../route.ts';
import { deliveryShape, incidentShape, page } from '../shapes.ts';

const params = z.strictObject({ id: z.string() });
const LIST_HINT = 'GET /api/v1/incidents lists them.';

export const incidentRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/incidents',
    summary: 'Incidents, newest first. `status=unresolved` for all that are still wrong.',
    scope: 'read',
    query: z.strictObject({
      status: z.enum([...INCIDENT_STATUSES, 'unresolved']).optional(),
      prompt: z.string().optional(),
      environment: z.string().optional(),
      target: z.string().optional(),
      verdict: z.enum(VERDICTS).optional(),
      severity: z.enum(SEVERITIES).optional(),
      ...paging,
    }),
    answer: listOf(Incident),
    handle: async ({ query: { limit, cursor, ...filter } }, api) => ({
      json: page(await api.incidents.list(filter, { limit, cursor }), incidentShape),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/incidents/{id}',
    summary: 'One incident, with the alerts that went out about it.',
    scope: 'read',
    params,
    answer: IncidentInFull,
    handle: async ({ params: { id } }, api) => {
      const incident = await api.incidents.get(id);
      if (incident === null) throw notFound(`The incident ${id}`, LIST_HINT);
      const deliveries = await api.deliveries.list(id);
      return {
        json: {
          ...incidentShape(incident),
          restore_command: api.restoreCommand(incident),
          deliveries: deliveries.map(deliveryShape),
        },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/alerts/{id}',
    summary: 'What an alert about several incidents told: each as it was then.',
    scope: 'read',
    params,
    answer: listOf(Incident),
    handle: async ({ params: { id } }, api) => {
      const told = await api.deliveries.told(id);
      if (told.length === 0)
        throw notFound(`The alert ${id}`, 'It is named in the alert itself, and known once that got out.');
      return { json: { data: told.map(incidentShape), next_cursor: null } };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/incidents/{id}/acknowledge',
    summary: 'Somebody is on it: nothing more is announced until it resolves or gets worse.',
    scope: 'operate',
    params,
    answer: Incident,
    handle: async ({ params: { id }, actor }, api) => ({ json: incidentShape(await api.acknowledge(id, actor)) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/incidents/{id}/snooze',
    summary: 'Quiet until a time, or for a duration such as `2h`.',
    scope: 'operate',
    params,
    body: z.strictObject({ until: timestamp.optional(), for: z.string().optional() }),
    answer: Incident,
    handle: async ({ params: { id }, body, actor }, api) => {
      const forMs = body.for === undefined ? null : parseDuration(body.for);
      const until = body.until ?? (forMs === null ? null : addMillis(api.now(), forMs));
      if (until === null || until <= api.now()) {
        throw badRequest('A snooze needs an end in the future.', [
          { field: 'until', message: 'give `until` (RFC 3339) or `for` (such as 2h)' },
        ]);
      }
      return { json: incidentShape(await api.snooze(id, until, actor)) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/incidents/{id}/resolve',
    summary: 'Closes an incident by hand. It reopens if the problem is seen again.',
    scope: 'operate',
    params,
    answer: Incident,
    handle: async ({ params: { id }, actor }, api) => ({ json: incidentShape(await api.resolve(id, actor)) }),
  }),
];
