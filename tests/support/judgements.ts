/** Judgements and incidents for the tests of what follows from them; made by the real judge and lifecycle. */

import type { Incident } from '../../src/contract/incident.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import type { Judgement } from '../../src/contract/verdict.ts';
import { judge } from '../../src/drift/judge.ts';
import { type Finding, next } from '../../src/incidents/lifecycle.ts';
import { held, missing, pin, PROMPT, time, unreachable, version } from './prompts.ts';

export const GOOD_TEXT = 'You classify support messages. Answer with one label: billing, shipping or other.\n';
const PINNED = version('2', GOOD_TEXT);

/** What the real judge says of this text in production; null for a missing prompt. */
export function judgementOf(text: string | null, at: Timestamp = time('02:41:40')): Judgement {
  const observation = text === null ? missing({ observedAt: at }) : held(text, { observedAt: at });
  return judge(
    { prompt: PROMPT, environment: 'production', pin: pin(PINNED), versions: [version('1', 'Old.'), PINNED] },
    { observation, siblings: [], previous: null, changed: [time('02:41:10'), at], attribution: null },
  );
}

export function findingOf(text: string | null, at?: Timestamp): Finding {
  return { judgement: judgementOf(text, at), owner: 'data-platform' };
}

export function unreachableFinding(): Finding {
  const judgement = judge(
    { prompt: PROMPT, environment: 'production', pin: pin(PINNED), versions: [PINNED] },
    { observation: unreachable(), siblings: [], previous: null, changed: [null, null], attribution: null },
  );
  return { judgement, owner: 'data-platform' };
}

export const EDITED_TEXT = GOOD_TEXT.replace('billing', 'invoices');

export function openIncident(
  finding: Finding = findingOf(EDITED_TEXT),
  at: Timestamp = time('02:41:40'),
  affected = 0,
): Incident {
  const step = next(null, finding, at);
  if (step.kind !== 'changed') throw new Error(`No incident: ${step.reason}.`);
  return { ...step.incident, invocationsAffected: affected };
}
