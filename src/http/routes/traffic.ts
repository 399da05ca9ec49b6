/** What applications really sent: invocations, usage, and which version a text is. */

import { z } from 'zod';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import type { Json } from '../../contract/prompt.ts';
import { USAGE_GROUPS, USAGE_KEYS, type UsageKey } from '../../contract/invocation-log.ts';
import { Attribution, Invocation, Usage } from '../answers-about-traffic.ts';
import { listOf } from '../answers.ts';
import { withBaselines } from '../usage-baselines.ts';
import { assertPeriod, paging, timeZone, timestamp } from '../parameters.ts';
import { badRequest } from '../problem.ts';
import { route } from '../route.ts';
import { attributionShape, invocationShape, list, page } from '../shapes.ts';

/** Longest text that may be asked about. Telemetry texts are cut at the same size. */
const ATTRIBUTE_CHARACTERS_MAX = 4_000_000;
const TOOLS_MAX = 1_000;
/** The body was parsed as JSON already; `z.json` would look again, and is described as what refers to itself. */
const json = z.custom<Json>();

/** What usage can be asked of alone. */
const onlyOf = Object.fromEntries(USAGE_KEYS.map((key) => [key, z.string().optional()])) as Record<
  UsageKey,
  z.ZodOptional<z.ZodString>
>;

export const trafficRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/invocations',
    summary:
      'Model calls, newest first, each counted once. A page ends early where texts are long, or where millions of calls do not match: go on with `next_cursor`, also after an empty page.',
    scope: 'read',
    query: z.strictObject({
      prompt: z.string().optional(),
      version: z.string().optional(),
      environment: z.string().optional(),
      service: z.string().optional(),
      trace_id: z.string().optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      ...paging,
    }),
    answer: listOf(Invocation),
    handle: async ({ query: { limit, cursor, trace_id: traceId, ...filter } }, api) => {
      assertPeriod(filter.from, filter.to);
      return { json: page(await api.calls.list({ ...filter, traceId }, { limit, cursor }), invocationShape) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/usage',
    summary:
      'Calls, tokens, cost, latency, errors, how calls ended and how they were judged: by prompt, version, model, service, owner, environment, service_tier or day, which is one of UTC without `timezone`. Each of them but the day may be given to ask for calls of it only; empty is what is not known. A row of one version has what the registry declares of it in `baselines`.',
    scope: 'read',
    query: z.strictObject({
      group_by: z.string().default('prompt'),
      timezone: timeZone.optional(),
      ...onlyOf,
      from: timestamp.optional(),
      to: timestamp.optional(),
    }),
    answer: listOf(Usage),
    handle: async ({ query }, api) => {
      const groupBy = z
        .array(z.enum(USAGE_GROUPS))
        .min(1)
        .safeParse(query.group_by.split(',').map((group) => group.trim()));
      if (!groupBy.success) {
        throw badRequest('Usage can’t be grouped like that.', [
          { field: 'group_by', message: `must be one or more of ${USAGE_GROUPS.join(', ')}` },
        ]);
      }
      const to = query.to ?? api.now();
      const from = query.from ?? addMillis(to, -DAY_MS);
      assertPeriod(from, to);
      const only = Object.fromEntries(USAGE_KEYS.map((key) => [key, query[key]]));
      const rows = await api.calls.usage({ groupBy: groupBy.data, from, to, only, timeZone: query.timezone });
      return { json: list(withBaselines(rows, only, api.registry().versions)) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/attribute',
    summary:
      'Which registered version a text or a chat is an instance of, with the evidence: what of it is the template’s, what filled the variables, what else fits.',
    scope: 'read',
    body: z
      .strictObject({
        text: z.string().max(ATTRIBUTE_CHARACTERS_MAX).optional(),
        messages: z
          .array(z.strictObject({ role: z.string(), content: z.string().max(ATTRIBUTE_CHARACTERS_MAX) }))
          .max(10_000)
          .optional(),
        declared: z.strictObject({ prompt: z.string(), version: z.string().optional() }).optional(),
        settings: z
          .strictObject({
            model: z.string().optional(),
            parameters: z.record(z.string(), json).optional(),
            tools: z.array(json).max(TOOLS_MAX).optional(),
          })
          .optional(),
        sent: z
          .strictObject({
            at: timestamp.optional(),
            environment: z.string().optional(),
            service: z.string().optional(),
          })
          .optional(),
      })
      .refine(
        (body) => (body.text === undefined) !== (body.messages === undefined),
        'give either `text` or `messages`',
      ),
    answer: Attribution,
    handle: async ({ body }, api) => ({
      json: attributionShape(
        await api.attribute(Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))),
      ),
    }),
  }),
];
