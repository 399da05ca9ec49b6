/** What the API answers about outputs; as `answers.ts`. */

import { z } from 'zod';
import { OUTPUT_STATES } from '../contract/output-log.ts';
import { count, interval, maybe, text, time } from './answers.ts';

const outputs = z.array(
  z
    .object({
      trace_id: text,
      span_id: text,
      started_at: time,
      text: maybe.optional().describe('Only where one prompt is asked about. Null: it is not kept.'),
    })
    .meta({ id: 'ExampleOutput' }),
);

const change = z.object({
  between: interval,
  since_hour: time.describe('Outputs of this hour and later ones are the changed ones.'),
  noticed_at: time,
  features: z.array(
    z
      .object({
        name: text,
        words: text,
        before: text.describe('Typical of it before, for a person; empty where no words say it.'),
        now: text,
        log10_factor: z.number(),
        window_hours: count,
      })
      .meta({ id: 'ChangedFeature' }),
  ),
  inputs_changed: z.boolean().describe('What was asked changed too, so that it may be the reason.'),
  outputs_before: count,
  outputs_since: count,
  examples_before: outputs,
  examples_since: outputs,
});

export const OutputStatus = z
  .object({
    environment: text,
    prompt: text,
    version: text,
    model: text,
    state: z.enum(OUTPUT_STATES).describe('`learning`: there is nothing yet to compare with.'),
    at: time,
    last_hour: time.describe('The newest hour with outputs.'),
    learning: z.object({ since: time, outputs: count, outputs_needed: count, until: time }).nullable(),
    baseline: z.object({ from: time, until: time, outputs: count, made_at: time, compared_from: time }).nullable(),
    log10_score: z
      .number()
      .nullable()
      .describe(
        'Such outputs come about by chance once in 10 to the power of this many hours. Null: not compared yet.',
      ),
    alarm_at_log10_score: z.number(),
    change: change.nullable(),
  })
  .meta({ id: 'OutputStatus' });
