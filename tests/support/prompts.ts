/** Short ways to write registered versions, pins and observations in tests. */

import type { HeldObservation, MissingObservation, UnreachableObservation } from '../../src/contract/observation.ts';
import type { Pin, PromptBody, PromptSettings, PromptVariant, RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';

export const PROMPT = 'support.intent';
export const TARGET = 'checkout-config/support.intent';

/** `time('02:47:00')` on one day in November. */
export function time(clock: string): Timestamp {
  return `2026-11-20T${clock}${clock.includes('.') ? '' : '.'}`.padEnd(29, '0').concat('Z') as Timestamp;
}

export function variant(content: string | PromptBody, settings: PromptSettings = {}): PromptVariant {
  const body = typeof content === 'string' ? textBody(content) : content;
  return { model: settings.model ?? 'model-a', body, format: 'jinja2', settings, hashes: contentHashes(body) };
}

export function version(
  name: string,
  content: string | PromptBody | readonly PromptVariant[],
  changes: Partial<RegisteredVersion> = {},
): RegisteredVersion {
  const isBody = typeof content === 'string' || 'kind' in content;
  const variants = isBody ? [variant(content)] : content;
  return {
    prompt: PROMPT,
    version: name,
    parent: null,
    owner: 'data-platform',
    tags: ['test'],
    isComponent: false,
    variants: variants as RegisteredVersion['variants'],
    components: [],
    metrics: {},
    registry: 'files',
    origin: { file: `prompts/intent-${name}.yaml`, line: 1 },
    registeredAt: null,
    author: null,
    ...changes,
  };
}

export function pin(of: RegisteredVersion, changes: Partial<Pin> = {}): Pin {
  return {
    environment: 'production',
    prompt: of.prompt,
    version: of.version,
    hash: of.variants[0].hashes.strict,
    rule: 'lockfile',
    origin: { file: 'prompts.lock.yaml', line: 4 },
    since: null,
    by: null,
    ...changes,
  };
}

const PLACE = {
  target: TARGET,
  source: 'checkout-config',
  sourceType: 'files',
  prompt: PROMPT,
  environment: 'production',
  observedAt: time('02:41:40'),
  part: '',
};

export function held(content: string | PromptBody, changes: Partial<HeldObservation> = {}): HeldObservation {
  const body = typeof content === 'string' ? textBody(content) : content;
  return {
    ...PLACE,
    outcome: 'held',
    body,
    hashes: contentHashes(body),
    settings: {},
    pointer: null,
    sourceVersion: null,
    editedAt: null,
    editedBy: null,
    share: null,
    url: null,
    ...changes,
  };
}

export function missing(changes: Partial<MissingObservation> = {}): MissingObservation {
  return { ...PLACE, outcome: 'missing', reason: 'no such file', ...changes };
}

export function unreachable(changes: Partial<UnreachableObservation> = {}): UnreachableObservation {
  return { ...PLACE, outcome: 'unreachable', reason: 'answered 503', ...changes };
}
