/** Observations to rows and back. Pure. */

import type { Observation } from '../contract/observation.ts';
import type { ContentHash, PromptSettings } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import { canonicalJson } from '../lib/json.ts';
import { bodyFromCanonical } from './stored-body.ts';

export interface ObservationRow {
  readonly target: string;
  readonly part: string;
  readonly source: string;
  readonly source_type: string;
  readonly prompt: string;
  readonly environment: string;
  readonly observed_at: Timestamp;
  readonly asked_at: Timestamp | null;
  readonly outcome: Observation['outcome'];
  readonly reason: string;
  readonly body_kind: string;
  readonly strict_hash: string;
  readonly transport_hash: string;
  readonly cosmetic_hash: string;
  readonly settings: string;
  readonly pointer_name: string | null;
  readonly pointer_value: string | null;
  readonly source_version: string | null;
  readonly edited_at: Timestamp | null;
  readonly edited_by: string | null;
  readonly share: number | null;
  readonly url: string | null;
}

export const OBSERVATION_COLUMNS = [
  'target, part, source, source_type, prompt, environment, observed_at, asked_at, outcome, reason, body_kind',
  'strict_hash, transport_hash, cosmetic_hash, settings, pointer_name, pointer_value',
  'source_version, edited_at, edited_by, share, url',
].join(', ');

const NOTHING_HELD = {
  reason: '',
  body_kind: '',
  strict_hash: '',
  transport_hash: '',
  cosmetic_hash: '',
  settings: '',
  pointer_name: null,
  pointer_value: null,
  source_version: null,
  edited_at: null,
  edited_by: null,
  share: null,
  url: null,
} as const;

export function toObservationRow(observation: Observation): ObservationRow {
  const base = {
    target: observation.target,
    part: observation.part,
    source: observation.source,
    source_type: observation.sourceType,
    prompt: observation.prompt,
    environment: observation.environment,
    observed_at: observation.observedAt,
    asked_at: observation.askedAt ?? null,
    outcome: observation.outcome,
  };
  if (observation.outcome !== 'held') return { ...base, ...NOTHING_HELD, reason: observation.reason };
  return {
    ...base,
    reason: '',
    body_kind: observation.body.kind,
    strict_hash: observation.hashes.strict,
    transport_hash: observation.hashes.transport,
    cosmetic_hash: observation.hashes.cosmetic,
    settings: canonicalJson(observation.settings),
    pointer_name: observation.pointer?.name ?? null,
    pointer_value: observation.pointer?.value ?? null,
    source_version: observation.sourceVersion,
    edited_at: observation.editedAt,
    edited_by: observation.editedBy,
    share: observation.share,
    url: observation.url,
  };
}

/** `texts` holds the bodies by strict hash. */
export function toObservation(row: ObservationRow, texts: ReadonlyMap<ContentHash, string>): Observation {
  const base = {
    target: row.target,
    part: row.part,
    source: row.source,
    sourceType: row.source_type,
    prompt: row.prompt,
    environment: row.environment,
    observedAt: row.observed_at,
    ...(row.asked_at === null ? {} : { askedAt: row.asked_at }),
  };
  if (row.outcome !== 'held') return { ...base, outcome: row.outcome, reason: row.reason };
  const strict = row.strict_hash as ContentHash;
  return {
    ...base,
    outcome: 'held',
    body: bodyFromCanonical(row.body_kind, texts.get(strict) ?? emptyBody(row.body_kind)),
    hashes: {
      strict,
      transport: row.transport_hash as ContentHash,
      cosmetic: row.cosmetic_hash as ContentHash,
    },
    settings: JSON.parse(row.settings) as PromptSettings,
    pointer: row.pointer_name === null ? null : { name: row.pointer_name, value: row.pointer_value ?? '' },
    sourceVersion: row.source_version,
    editedAt: row.edited_at,
    editedBy: row.edited_by,
    share: row.share,
    url: row.url,
  };
}

// A text is stored before the observation that refers to it; it is gone only when it was deleted on purpose.
function emptyBody(kind: string): string {
  return kind === 'chat' ? '[]' : '';
}
