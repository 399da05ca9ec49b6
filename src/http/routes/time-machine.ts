/** Which exact prompt was active at a moment, and how we know. */

import { z } from 'zod';
import { ActiveAt, Timeline } from '../answers.ts';
import { assertPeriod, PAGE_ROWS_MAX, paging, timestamp } from '../parameters.ts';
import { route } from '../route.ts';
import { activeAtShape, timelineShape } from '../shapes.ts';

export const timeMachineRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/at',
    summary:
      'What was intended, held and used at a time, each with its evidence and its uncertainty. `held` has pages of targets.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string(),
      environment: z.string(),
      time: timestamp,
      target: z.string().optional(),
      known_at: timestamp.optional(),
      ...paging,
      limit: paging.limit.default(PAGE_ROWS_MAX),
    }),
    answer: ActiveAt,
    handle: async ({ query: { known_at: knownAt, limit, cursor, ...query } }, api) => ({
      json: activeAtShape(await api.timeline.at({ ...query, knownAt, page: { limit, cursor } })),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/timeline',
    summary: 'Everything that was intended, held and used in a period.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string(),
      environment: z.string(),
      target: z.string().optional(),
      from: timestamp,
      to: timestamp,
    }),
    answer: Timeline,
    handle: async ({ query }, api) => {
      assertPeriod(query.from, query.to);
      return { json: timelineShape(await api.timeline.range(query)) };
    },
  }),
];
