/** `/healthz`: the process lives. `/readyz`: it takes work. `/metrics`: Prometheus. They need nothing but `HealthApi`. */

import { Health, Readiness } from '../answers.ts';
import type { HealthApi } from '../api.ts';
import { route } from '../route.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const healthRoutes = [
  route({
    method: 'GET',
    path: '/healthz',
    summary: 'The process is alive.',
    scope: 'public',
    answer: Health,
    handle: async (_request, api: HealthApi) => {
      const { version, startedAt } = api.status();
      return { json: { status: 'ok', version, started_at: startedAt } };
    },
  }),
  route({
    method: 'GET',
    path: '/readyz',
    summary:
      'The daemon takes work, with what is wrong at the moment; 503 while it starts, waits for its store, or stops.',
    scope: 'public',
    answer: Readiness,
    statuses: [200, 503],
    handle: async ({ mayRead }, api: HealthApi) => {
      const { ready, problems } = api.status();
      // They name sources, addresses and files, and whoever reaches the port may ask.
      const told =
        mayRead || problems.length === 0
          ? problems
          : [`Problems: ${problems.length}. Which, is told to a key with the scope read.`];
      return { status: ready ? 200 : 503, json: { status: ready ? 'ready' : 'not ready', problems: told } };
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    summary: "The daemon's own metrics, in Prometheus' text format.",
    scope: 'read',
    answer: { contentType: METRICS_TYPE },
    handle: async (_request, api: HealthApi) => ({
      text: await api.metrics(),
      contentType: METRICS_TYPE,
    }),
  }),
];
