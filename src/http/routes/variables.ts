/** What filled the variables of a prompt, for analysis. */

import { z } from 'zod';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { Variables } from '../answers-about-traffic.ts';
import { assertPeriod, timestamp } from '../parameters.ts';
import { route } from '../route.ts';
import { variablesShape } from '../shapes.ts';

const TOP_MAX = 100;

export const variableRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/prompts/{id}/variables',
    summary:
      'What filled the variables of a prompt in the calls of a time: how often, how many different values, how long, and the most frequent ones.',
    scope: 'read',
    params: z.strictObject({ id: z.string() }),
    query: z.strictObject({
      version: z.string().optional(),
      environment: z.string().optional(),
      service: z.string().optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      top: z.coerce.number().int().min(1).max(TOP_MAX).default(10),
    }),
    answer: Variables,
    handle: async ({ params, query: { top, from, to: until, ...filter } }, api) => {
      const to = until ?? api.now();
      const window = { from: from ?? addMillis(to, -DAY_MS), to };
      assertPeriod(window.from, window.to);
      const summary = await api.variables.summary({ prompt: params.id, ...filter, ...window }, top);
      return { json: variablesShape(params.id, window, summary) };
    },
  }),
];
