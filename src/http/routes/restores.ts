/** What was put back where: by whom, why, when, from what to what. */

import { z } from 'zod';
import { listOf, Restore } from '../answers.ts';
import { paging } from '../parameters.ts';
import { route } from '../route.ts';
import { page, restoreShape } from '../shapes.ts';

export const restoreRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/restores',
    summary: 'Every restore that was commanded, newest first, with what came of it.',
    scope: 'read',
    query: z.strictObject({
      target: z.string().optional(),
      prompt: z.string().optional(),
      environment: z.string().optional(),
      ...paging,
    }),
    answer: listOf(Restore),
    handle: async ({ query: { limit, cursor, ...filter } }, api) => ({
      json: page(await api.restores.list(filter, { limit, cursor }), restoreShape),
    }),
  }),
];
