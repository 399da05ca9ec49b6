/** Facts for the store's tests, with everything filled in that a test does not care about. */

import type { Incident } from '../../src/contract/incident.ts';
import type { HeldObservation, Observation } from '../../src/contract/observation.ts';
import type { PromptBody, RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import type { Judgement } from '../../src/contract/verdict.ts';
import { parseTimestamp } from '../../src/lib/time.ts';
import { textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';

/** `2026-11-20T02:47:00Z`, or `02:47:00` of that day. */
export function time(text: string): Timestamp {
  const parsed = parseTimestamp(text.includes('T') ? text : `2026-11-20T${text}Z`);
  if (parsed === null) throw new Error(`${text} is not a time.`);
  return parsed;
}

const BASE = {
  target: 'config/greeting',
  source: 'config',
  sourceType: 'files',
  prompt: 'greeting',
  environment: 'production',
  part: '',
} as const;

export function held(
  at: string | Timestamp,
  body: PromptBody | string,
  more: Partial<HeldObservation> = {},
): HeldObservation {
  const whole = typeof body === 'string' ? textBody(body) : body;
  return {
    ...BASE,
    observedAt: time(at),
    outcome: 'held',
    body: whole,
    hashes: contentHashes(whole),
    settings: {},
    pointer: null,
    sourceVersion: null,
    editedAt: null,
    editedBy: null,
    share: null,
    url: null,
    ...more,
  };
}

export function unanswered(
  at: string,
  outcome: 'missing' | 'unreachable',
  more: Partial<typeof BASE> = {},
): Observation {
  return { ...BASE, ...more, observedAt: time(at), outcome, reason: 'because' };
}

export function registered(version: string, text: string, more: Partial<RegisteredVersion> = {}): RegisteredVersion {
  const body = textBody(text);
  return {
    prompt: 'greeting',
    version,
    parent: null,
    owner: 'team',
    tags: ['greeting'],
    isComponent: false,
    variants: [{ model: 'gpt-5', body, format: 'plain', settings: {}, hashes: contentHashes(body) }],
    components: [],
    metrics: {},
    registry: 'files',
    origin: { file: 'prompts/greeting.yaml' },
    registeredAt: null,
    author: null,
    ...more,
  };
}

export function judgement(more: Partial<Judgement> = {}): Judgement {
  return {
    verdict: 'edited',
    severity: 'critical',
    reason: 'hash_differs',
    summary: 'greeting was edited',
    prompt: BASE.prompt,
    environment: BASE.environment,
    target: BASE.target,
    part: '',
    expected: { version: '1', hash: contentHashes(textBody('a')).strict },
    observed: { version: null, hash: contentHashes(textBody('b')).strict, text: 'b' },
    diff: '-a\n+b',
    changedBetween: [time('02:00:00'), time('02:00:30')],
    changedBy: null,
    evidence: [{ kind: 'hash', words: 'differs' }],
    ...more,
  };
}

export function incident(id: string, more: Partial<Incident> = {}): Incident {
  const { part, expected, observed, diff, changedBetween, changedBy, evidence } = judgement();
  return {
    id,
    fingerprint: `fingerprint-${id}`,
    status: 'open',
    verdict: 'edited',
    severity: 'critical',
    summary: 'greeting was edited',
    reason: 'hash_differs',
    prompt: BASE.prompt,
    owner: 'team',
    environment: BASE.environment,
    target: BASE.target,
    part,
    expected,
    observed,
    diff,
    evidence,
    openedAt: time('02:00:30'),
    updatedAt: time('02:00:30'),
    changedBetween,
    changedBy,
    firstChangedBetween: changedBetween,
    earlierContents: [],
    resolvedAt: null,
    resolution: null,
    reopened: 0,
    acknowledgedBy: null,
    calmSince: null,
    snoozedUntil: null,
    invocationsAffected: 0,
    revision: 1,
    ...more,
  };
}
