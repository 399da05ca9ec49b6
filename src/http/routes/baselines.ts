/** Whether calls show what the registry declares of them. */

import { z } from 'zod';
import { BASELINE_STATES, type BaselineStatus } from '../../contract/baseline-log.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import { compareText } from '../../lib/compare.ts';
import { listOf } from '../answers.ts';
import { BaselineStatus as BaselineStatusAnswer } from '../answers-about-baselines.ts';
import { memoryPage } from '../memory-page.ts';
import { paging } from '../parameters.ts';
import { route } from '../route.ts';
import { list } from '../shapes.ts';
import { baselineStatusShape } from '../shapes-of-baselines.ts';

export const baselineRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/baselines',
    summary:
      'Do calls still show what the registry declares of their version: what they cost, how good they are? Those that are off first.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string().optional(),
      environment: z.string().optional(),
      state: z.enum(BASELINE_STATES).optional(),
      ...paging,
    }),
    answer: listOf(BaselineStatusAnswer),
    handle: async ({ query: { limit, cursor, prompt, environment, state } }, api) => {
      const isDeclared = declaredIn(api.registry().versions);
      const wanted = (await api.baselines.statuses())
        .filter(({ series }) => prompt === undefined || series.prompt === prompt)
        .filter(({ series }) => environment === undefined || series.environment === environment)
        .filter((status) => state === undefined || status.state === state)
        .filter(isDeclared)
        .toSorted(offFirst);
      const { items, nextCursor } = memoryPage(wanted, keyOf, { limit, cursor });
      return { json: list(items.map(baselineStatusShape), nextCursor) };
    },
  }),
];

/** What was known of another declaration says nothing of the present one, which is judged soon. */
function declaredIn(versions: readonly RegisteredVersion[]): (status: BaselineStatus) => boolean {
  const declared = new Map(
    versions.map(({ prompt, version, metrics }) => [JSON.stringify([prompt, version]), metrics]),
  );
  return ({ series: { prompt, version, metric }, declared: value }) =>
    declared.get(JSON.stringify([prompt, version]))?.[metric] === value;
}

/** Then by prompt, environment, version. */
function offFirst(a: BaselineStatus, b: BaselineStatus): number {
  return Number(b.state === 'off') - Number(a.state === 'off') || compareText(keyOf(a), keyOf(b));
}

function keyOf({ series: { environment, prompt, version, metric } }: BaselineStatus): string {
  return JSON.stringify([prompt, environment, version, metric]);
}
