/** What the API answers about declared baselines; as `answers.ts`. */

import { z } from 'zod';
import { BASELINE_STATES } from '../contract/baseline-log.ts';
import { count, interval, text, time } from './answers.ts';

const measured = z
  .object({
    mean: z.number(),
    of: count.describe('Priced calls, or judgements.'),
    margin: z
      .number()
      .nullable()
      .describe(
        'How far off the mean may be in 19 of 20 cases, by how much hours differ; null where that is not known.',
      ),
  })
  .meta({ id: 'MeasuredMean' });

const calls = z
  .object({
    calls: count,
    errors: count,
    unpriced_calls: count,
    input_tokens_of_call: z.number(),
    output_tokens_of_call: z.number(),
    cached_share: z.number().describe('Of input tokens.'),
    models: z.array(z.object({ model: text, calls: count })).describe('With the tier of service, where it is known.'),
  })
  .meta({ id: 'CallsOfPeriod' });

export const BaselineStatus = z
  .object({
    environment: text,
    prompt: text,
    version: text,
    metric: text.describe('As it is called in the registry: `cost_per_call_usd`, `baseline_NAME`.'),
    declared: z.number(),
    state: z
      .enum(BASELINE_STATES)
      .describe('`unknown`: too few calls to say. `accepted`: off, and somebody took it as normal.'),
    measured: measured.nullable().describe('Of the last 14 days; while it is off, of those since then.'),
    was_within: z.boolean().describe('Whether it was seen within what is declared.'),
    at: time,
    until: time.describe('Hours before this have been compared.'),
    change: z
      .object({
        between: interval,
        since_hour: time,
        noticed_at: time,
        measured: measured.describe('When it was noticed.'),
        beyond: z.number().describe('The mean is certainly beyond this.'),
        calls_a_day: z.number(),
        was_within: z.boolean(),
        accepted_at: time.nullable(),
        calls_before: calls.nullable(),
        calls_since: calls.nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'BaselineStatus' });
