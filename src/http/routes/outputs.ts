/** Whether the answers of a version are what they were. */

import { z } from 'zod';
import { OUTPUT_STATES, type OutputOf, type OutputStatus } from '../../contract/output-log.ts';
import { compareText } from '../../lib/compare.ts';
import { listOf } from '../answers.ts';
import { OutputStatus as OutputStatusAnswer } from '../answers-about-outputs.ts';
import type { Api } from '../api.ts';
import { memoryPage } from '../memory-page.ts';
import { paging } from '../parameters.ts';
import { route } from '../route.ts';
import { list } from '../shapes.ts';
import { outputStatusShape, type TextOf } from '../shapes-of-outputs.ts';

export const outputRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/outputs',
    summary:
      'Did the outputs of a version from a model change? The changed ones first. With `prompt`, examples of before and since have their texts.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string().optional(),
      environment: z.string().optional(),
      state: z.enum(OUTPUT_STATES).optional(),
      ...paging,
    }),
    answer: listOf(OutputStatusAnswer),
    handle: async ({ query: { limit, cursor, prompt, environment, state } }, api) => {
      const wanted = (await api.outputs.statuses())
        .filter(({ series }) => prompt === undefined || series.prompt === prompt)
        .filter(({ series }) => environment === undefined || series.environment === environment)
        .filter((status) => state === undefined || status.state === state)
        .toSorted(changedFirst);
      const textOf = prompt === undefined ? undefined : await textsIn(wanted, api);
      const shapes = wanted.map((status) => {
        return { status, shape: outputStatusShape(status, api.outputs.alarmAtLog10Score, textOf) };
      });
      const { items, nextCursor } = memoryPage(shapes, ({ status }) => keyOf(status), { limit, cursor });
      return {
        json: list(
          items.map(({ shape }) => shape),
          nextCursor,
        ),
      };
    },
  }),
];

async function textsIn(statuses: readonly OutputStatus[], api: Api): Promise<TextOf> {
  const examples = statuses.flatMap(({ change }) => [
    ...(change?.examplesBefore ?? []),
    ...(change?.examplesSince ?? []),
  ]);
  const texts = examples.length === 0 ? [] : await api.outputs.texts(examples);
  const byCall = new Map(texts.map((output) => [callOf(output), output.text]));
  return (output) => byCall.get(callOf(output)) ?? null;
}

function callOf({ traceId, spanId }: OutputOf): string {
  return `${traceId} ${spanId}`;
}

/** Then by prompt, and of one prompt those that were in use last. */
function changedFirst(a: OutputStatus, b: OutputStatus): number {
  return (
    Number(b.state === 'changed') - Number(a.state === 'changed') ||
    compareText(a.series.prompt, b.series.prompt) ||
    compareText(b.lastHour, a.lastHour) ||
    compareText(keyOf(a), keyOf(b))
  );
}

function keyOf({ series: { environment, prompt, version, model } }: OutputStatus): string {
  return JSON.stringify([prompt, environment, version, model]);
}
