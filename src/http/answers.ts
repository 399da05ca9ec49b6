/**
 * What the API answers, for `/openapi.json`. `shapes.ts` makes it; `tests/end-to-end/described-api.test.ts` holds the
 * answers of a daemon against it, with nothing left out. Fields may be added and never changed.
 */

import { z } from 'zod';
import { INCIDENT_STATUSES, INCIDENT_TRANSITIONS } from '../contract/incident.ts';
import { TEMPLATE_FORMATS } from '../contract/prompt.ts';
import { RESTORE_RESULTS } from '../contract/restore-log.ts';
import { DELIVERY_STATUSES } from '../contract/store.ts';
import { SEVERITIES, VERDICTS } from '../contract/verdict.ts';

export const count = z.int().nonnegative();
export const text = z.string();
export const maybe = text.nullable();
export const time = text.meta({
  id: 'Time',
  format: 'date-time',
  description: 'RFC 3339, UTC, with nine fractional digits.',
});
export const interval = z.tuple([time.nullable(), time.nullable()]).meta({
  id: 'Interval',
  description: 'No earlier than the first and no later than the second; null: not bounded on that side.',
});
export const hash = text.meta({ id: 'Hash', description: 'SHA-256, as `sha256:` and 64 hex digits.' });
export const json = z.unknown();
const verdict = z.enum(VERDICTS).meta({ id: 'Verdict' });
const severity = z.enum(SEVERITIES).meta({ id: 'Severity' });
const evidence = z.array(z.object({ kind: text, words: text }).meta({ id: 'Evidence' }));

export const nextCursor = maybe.meta({ description: 'Of the next page; null: this is the last.' });
export const listOf = (item: z.ZodType) => z.object({ data: z.array(item), next_cursor: nextCursor });

const settings = z
  .object({ model: text, parameters: z.record(text, json), tools: z.array(json) })
  .partial()
  .meta({ id: 'Settings', description: 'What is missing is not known.' });
const body = z
  .union([
    z.object({ kind: z.literal('text'), text }),
    z.object({ kind: z.literal('chat'), messages: z.array(z.object({ role: text, content: text })) }),
  ])
  .meta({ id: 'Body' });

export const Health = z.object({ status: z.literal('ok'), version: text, started_at: time });
export const Readiness = z.object({ status: z.enum(['ready', 'not ready']), problems: z.array(text) });

const pin = z
  .object({ environment: text, version: text, hash, rule: text, since: time.nullable(), by: maybe })
  .meta({ id: 'Pin' });

export const Prompt = z
  .object({
    id: text,
    owner: text,
    tags: z.array(text),
    component: z.boolean(),
    newest_version: text,
    versions: count,
    included_by: z.array(text),
    pins: z.array(pin),
  })
  .meta({ id: 'Prompt' });

export const Version = z
  .object({
    prompt: text,
    version: text,
    parent: maybe,
    owner: text,
    tags: z.array(text),
    component: z.boolean(),
    components: z.array(z.object({ id: text, version: text })),
    metrics: z.record(text, z.number()),
    registry: text,
    origin: z.object({ file: text, line: count.optional(), commit: text.optional() }),
    registered_at: time.nullable(),
    author: maybe,
    variants: z.array(
      z.object({ model: text, format: z.enum(TEMPLATE_FORMATS), hash, text, body, settings }).meta({ id: 'Variant' }),
    ),
  })
  .meta({ id: 'Version' });

const expected = z.object({ version: text, hash }).nullable();

export const Target = z
  .object({
    id: text,
    source: text,
    type: text,
    prompt: text,
    environment: text,
    every_ms: count,
    powers: z.array(text),
    verdicts: z.array(
      z.object({
        part: text,
        verdict,
        severity,
        summary: text,
        expected,
        observed: z.object({ version: maybe, hash: hash.nullable() }),
        at: time,
        looked_at: time.nullable(),
        answered_at: time.nullable(),
      }),
    ),
  })
  .meta({ id: 'Target' });

const seen = {
  target: text,
  part: text,
  source: text,
  source_type: text,
  prompt: text,
  environment: text,
  observed_at: time,
  asked_at: time.nullable(),
};

export const Observation = z
  .discriminatedUnion('outcome', [
    z.object({
      ...seen,
      outcome: z.literal('held'),
      hash,
      text,
      settings,
      pointer: z.object({ name: text, value: text }).nullable(),
      source_version: maybe,
      edited_at: time.nullable(),
      edited_by: maybe,
      share: z.number().nullable(),
      url: maybe,
    }),
    z.object({ ...seen, outcome: z.enum(['missing', 'unreachable']), reason: text }),
  ])
  .meta({ id: 'Observation' });

export const RestoreOutcome = z.object({
  target: text,
  version: text,
  result: z.enum(['restored', 'planned', 'nothing_to_do', 'not_confirmed']),
  written: z.boolean(),
  before_hash: hash.nullable(),
  diff: text,
  read_back: z.object({ hash: hash.nullable(), matches: z.boolean() }).nullable(),
  words: text,
});

export const Restore = z
  .object({
    id: text,
    target: text,
    prompt: text,
    environment: text,
    begun_at: time,
    ended_at: time.nullable(),
    by: text,
    reason: text,
    from: z.object({ version: maybe, hash }).nullable(),
    to: z.object({ version: text, hash }),
    result: z.enum(RESTORE_RESULTS),
    words: text,
  })
  .meta({ id: 'Restore' });

export const Incident = z
  .object({
    id: text,
    status: z.enum(INCIDENT_STATUSES),
    verdict,
    severity,
    summary: text,
    reason: text,
    prompt: text,
    owner: maybe,
    environment: text,
    target: text,
    part: text,
    expected,
    observed: z.object({ version: maybe, hash: hash.nullable(), text: maybe }),
    diff: text,
    evidence,
    opened_at: time,
    updated_at: time,
    changed_between: interval,
    changed_by: maybe,
    first_changed_between: interval,
    earlier_contents: z.array(
      z.object({
        content: text,
        verdict,
        version: maybe,
        hash: hash.nullable(),
        changed_between: interval,
        until: time.nullable(),
      }),
    ),
    resolved_at: time.nullable(),
    resolution: maybe,
    reopened: count,
    calm_since: time.nullable(),
    acknowledged_by: maybe,
    snoozed_until: time.nullable(),
    invocations_affected: count,
  })
  .meta({ id: 'Incident' });

export const IncidentInFull = z.object({
  ...Incident.shape,
  restore_command: maybe,
  deliveries: z.array(
    z
      .object({
        id: text,
        incident: text,
        transition: z.enum(INCIDENT_TRANSITIONS),
        channel: text,
        status: z.enum(DELIVERY_STATUSES),
        attempts: count,
        detail: text,
        created_at: time,
        updated_at: time,
      })
      .meta({ id: 'Delivery' }),
  ),
});

const entry = { version: maybe, hash: hash.nullable(), text: maybe, from: interval, until: interval, evidence };
const intended = z.object(entry).meta({ id: 'Intended' });
const held = z.object({ target: text, part: text, state: z.enum(['held', 'missing']), ...entry }).meta({ id: 'Held' });
const used = z.object({ service: text, invocations: count, ...entry }).meta({ id: 'Used' });

const callsKeptSince = time
  .nullable()
  .describe('Not null: calls that began before are no longer kept, and the question is about such a time.');

export const ActiveAt = z.object({
  prompt: text,
  environment: text,
  time,
  known_at: time,
  intended: intended.nullable(),
  held: z.array(held),
  used: z.array(used),
  calls_kept_since: callsKeptSince,
  next_cursor: nextCursor,
});
export const Timeline = z.object({
  intended: z.array(intended),
  held: z.array(held),
  used: z.array(used),
  calls_kept_since: callsKeptSince,
});

const quarantined = z.object({
  id: text,
  at: time,
  kind: z.enum(['span', 'row', 'trace']),
  table: text,
  reason: text,
  status: z.enum(['waiting', 'replayed', 'discarded']),
});
export const Quarantined = quarantined.meta({ id: 'Quarantined' });
export const QuarantinedInFull = z.object({ ...quarantined.shape, payload: text });
export const QuarantineDone = z.object({ id: text, status: z.enum(['replayed', 'discarded']) });
export const Repriced = z.object({
  calls: count,
  changed: count,
  next: time.nullable(),
  calls_kept_since: callsKeptSince,
});
export const Accepted = z.object({ accepted: count });
export const Push = z.object({ looking_at: z.array(text) });
