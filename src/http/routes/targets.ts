/** What is watched, what was seen there, and putting a version back. */

import { z } from 'zod';
import { listOf, Observation, RestoreOutcome, Target } from '../answers.ts';
import type { TargetInfo } from '../api.ts';
import { memoryPage } from '../memory-page.ts';
import { assertPeriod, paging, seenContent, timestamp } from '../parameters.ts';
import { route } from '../route.ts';
import { observationShape, page, targetShape } from '../shapes.ts';

export const targetRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/targets',
    summary: 'Everything that is watched, each with its newest verdict and when it was last looked at.',
    scope: 'read',
    query: z.strictObject({ prompt: z.string().optional(), environment: z.string().optional(), ...paging }),
    answer: listOf(Target),
    handle: async ({ query: { limit, cursor, prompt, environment } }, api) => {
      const wanted = api
        .targets()
        .filter((target) => prompt === undefined || target.prompt === prompt)
        .filter((target) => environment === undefined || target.environment === environment);
      const targets = memoryPage(wanted, ({ id }) => id, { limit, cursor });
      const ids = targets.items.map(({ id }) => id);
      const [latest, lastLooks] = await Promise.all([api.verdicts.latest(ids), api.observations.lastLooks(ids)]);
      const verdicts = Map.groupBy(latest, ({ judgement }) => judgement.target);
      const looks = Map.groupBy(lastLooks, ({ target }) => target);
      const shape = (target: TargetInfo): object =>
        targetShape(target, verdicts.get(target.id) ?? [], looks.get(target.id) ?? []);
      return { json: page(targets, shape) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/observations',
    summary: 'What polls saw, newest first.',
    scope: 'read',
    query: z.strictObject({
      target: z.string().optional(),
      prompt: z.string().optional(),
      environment: z.string().optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      ...paging,
    }),
    answer: listOf(Observation),
    handle: async ({ query: { limit, cursor, ...filter } }, api) => {
      assertPeriod(filter.from, filter.to);
      return { json: page(await api.observations.list(filter, { limit, cursor }), observationShape) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore',
    summary:
      'Puts a registered version back at a target, reads it back, and says what it saw; with `expect_hash` only over that content, or `missing`.',
    scope: 'operate',
    body: z.strictObject({
      target: z.string(),
      version: z.string().optional(),
      part: z.string().optional(),
      expect_hash: seenContent.optional(),
      dry_run: z.boolean().default(false),
      reason: z.string().max(1_000).default(''),
    }),
    answer: RestoreOutcome,
    handle: async ({ body, actor }, api) => {
      const outcome = await api.restore({
        target: body.target,
        version: body.version,
        part: body.part,
        expectHash: body.expect_hash,
        dryRun: body.dry_run,
        by: actor,
        reason: body.reason,
      });
      return {
        json: {
          target: outcome.target,
          version: outcome.version,
          result: outcome.result,
          written: outcome.written,
          before_hash: outcome.beforeHash,
          diff: outcome.diff,
          read_back: outcome.readBack,
          words: outcome.words,
        },
      };
    },
  }),
];
