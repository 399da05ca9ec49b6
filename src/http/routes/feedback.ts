/** How good calls were, told after the fact. Needs no store: it goes the way of telemetry. */

import { z } from 'zod';
import type { Feedback } from '../../contract/feedback.ts';
import { LABEL_CHARACTERS_MAX } from '../../contract/invocation.ts';
import { Accepted } from '../answers.ts';
import type { FeedbackApi } from '../api.ts';
import { timestamp } from '../parameters.ts';
import { route } from '../route.ts';

/** Of one request: what an evaluation of a data set sends at once. */
const JUDGEMENTS_MAX = 1_000;
const NAME_CHARACTERS_MAX = 200;
/** Gateways write into it where the response came from; telemetry's are cut at the same length. */
const RESPONSE_ID_CHARACTERS_MAX = 1_024;
/** A judge model gives its reasons on a page or two. */
const EXPLANATION_CHARACTERS_MAX = 20_000;

/** White space alone names nothing that anybody could find again. */
const notBlank = z.string().regex(/\S/, 'must not be blank');
const name = notBlank.max(NAME_CHARACTERS_MAX);

/** An id of W3C's trace context, which none of zeros is. */
function hexId(digits: number) {
  return z
    .string()
    .regex(new RegExp(`^(?!0+$)[0-9a-fA-F]{${digits}}$`), `must be ${digits} hex digits, not all of them 0`)
    .transform((text) => text.toLowerCase());
}

const judgement = z
  .strictObject({
    trace_id: hexId(32).optional(),
    span_id: hexId(16).optional(),
    response_id: notBlank.max(RESPONSE_ID_CHARACTERS_MAX).optional(),
    name,
    score: z.number().optional(),
    label: notBlank.max(LABEL_CHARACTERS_MAX).optional(),
    explanation: z.string().max(EXPLANATION_CHARACTERS_MAX).optional(),
    at: timestamp.optional(),
    by: name.optional(),
    id: name.optional(),
    withdrawn: z.literal(true).optional(),
    environment: name.optional(),
  })
  .refine(({ trace_id: trace, response_id: response }) => trace !== undefined || response !== undefined, {
    path: ['trace_id'],
    message: 'must name the call, with `span_id` or without, or else `response_id`',
  })
  .refine(({ trace_id: trace, span_id: span }) => trace !== undefined || span === undefined, {
    path: ['span_id'],
    message: 'needs the `trace_id` of its trace',
  })
  .refine(({ score, label, withdrawn }) => score !== undefined || label !== undefined || withdrawn !== undefined, {
    path: ['score'],
    message: 'must be given, or `label`, or both; or `withdrawn`, to take back what was said',
  })
  .refine(({ score, label, withdrawn }) => withdrawn === undefined || (score === undefined && label === undefined), {
    path: ['withdrawn'],
    message: 'takes back what was said: without `score` and `label`',
  })
  .refine(({ by, id, withdrawn }) => withdrawn === undefined || by !== undefined || id !== undefined, {
    path: ['withdrawn'],
    message: 'needs the `by` or the `id` of what is taken back',
  })
  .meta({ id: 'Judgement' });

type Judgement = z.infer<typeof judgement>;

export const feedbackRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/feedback',
    summary:
      'How good calls were: one judgement or a list of them, of a call by `trace_id` and `span_id`, of the last call of a trace by `trace_id` alone, or of a call by the provider’s `response_id`. Answered when all is on disk; the calls may come later.',
    scope: 'ingest',
    body: z.union([judgement, z.array(judgement).min(1).max(JUDGEMENTS_MAX)]),
    answer: Accepted,
    statuses: [202],
    handle: async ({ body }, api: FeedbackApi) => {
      const feedback = (Array.isArray(body) ? body : [body]).map(feedbackOf);
      await api.takeFeedback(feedback);
      return { status: 202, json: { accepted: feedback.length } };
    },
  }),
];

function feedbackOf(told: Judgement): Feedback {
  const { score, label, explanation, at, by, id, withdrawn, environment } = told;
  return {
    traceId: told.trace_id ?? '',
    spanId: told.span_id ?? '',
    responseId: told.response_id ?? null,
    name: told.name,
    score: score ?? null,
    label: label ?? null,
    explanation: explanation ?? null,
    at: at ?? null,
    by: by ?? null,
    id: id ?? null,
    withdrawn: withdrawn ?? false,
    environment: environment ?? null,
  };
}
