/** Which exact prompt was active at a moment, and how we know. */

import { z } from 'zod';
import { assertPeriod, timestamp } from '../parameters.ts';
import { route } from '../route.ts';
import { activeAtShape, timelineShape } from '../shapes.ts';

export const timeMachineRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/at',
    summary: 'What was intended, held and used at a time, each with its evidence and its uncertainty.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string(),
      environment: z.string(),
      time: timestamp,
      target: z.string().optional(),
      known_at: timestamp.optional(),
    }),
    handle: async ({ query: { known_at: knownAt, ...query } }, api) => ({
      json: activeAtShape(await api.timeline.at({ ...query, knownAt })),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/timeline',
    summary: 'Everything that was intended, held and used in a period.',
    scope: 'read',
    query: z.strictObject({ prompt: z.string(), environment: z.string(), from: timestamp, to: timestamp }),
    handle: async ({ query }, api) => {
      assertPeriod(query.from, query.to);
      return { json: timelineShape(await api.timeline.range(query)) };
    },
  }),
];
