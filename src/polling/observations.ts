/** From readings to observations: what a source said, as facts about each part of a target. Pure. */

import type {
  HeldObservation,
  MissingObservation,
  Observation,
  UnreachableObservation,
} from '../contract/observation.ts';
import type { LiveContent, SourceTarget } from '../contract/source.ts';
import { contentHashes } from '../text/hashes.ts';
import type { OpenSource } from './source-config.ts';

/** What a target held, less the moment it was seen. */
export type HeldFacts = Omit<HeldObservation, keyof Look>;

/** When it was asked, and when the answer came. */
export type Look = Required<Pick<HeldObservation, 'askedAt' | 'observedAt'>>;

export interface TargetOf {
  readonly source: Pick<OpenSource, 'name' | 'type' | 'environment'>;
  readonly target: Pick<SourceTarget<unknown>, 'id' | 'prompt'>;
}

function base({ source, target }: TargetOf, part: string) {
  return {
    target: target.id,
    source: source.name,
    sourceType: source.type,
    prompt: target.prompt,
    environment: source.environment,
    part,
  };
}

/** One for each content; parts with the same name are numbered, since two facts may not share one place. */
export function heldFacts(of: TargetOf, contents: readonly LiveContent[]): readonly HeldFacts[] {
  const seen = new Map<string, number>();
  return contents.map((content) => {
    const name = content.part ?? '';
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return heldFactsOf(of, content, count === 1 ? name : `${name}#${count}`);
  });
}

function heldFactsOf(of: TargetOf, content: LiveContent, part: string): HeldFacts {
  return {
    ...base(of, part),
    outcome: 'held',
    body: content.body,
    hashes: contentHashes(content.body),
    ...(content.resolved === undefined
      ? {}
      : { resolved: { body: content.resolved, hashes: contentHashes(content.resolved) } }),
    settings: content.settings ?? {},
    pointer: content.pointer ?? null,
    sourceVersion: content.version ?? null,
    editedAt: content.editedAt ?? null,
    editedBy: content.editedBy ?? null,
    share: content.share ?? null,
    url: content.url ?? null,
  };
}

/** The contents as they were held, and an end for each part that is no longer among them. */
export function heldObservations(
  of: TargetOf,
  facts: readonly HeldFacts[],
  partsBefore: readonly string[],
  look: Look,
): readonly Observation[] {
  const parts = new Set(facts.map((fact) => fact.part));
  const ended = partsBefore
    .filter((part) => !parts.has(part))
    .map((part) => ({
      ...base(of, part),
      ...look,
      outcome: 'missing' as const,
      partEnded: true,
      reason: part === '' ? 'The target now holds several parts.' : `The target no longer holds the part "${part}".`,
    }));
  return [...facts.map((fact) => ({ ...fact, ...look })), ...ended];
}

/** For a target that held several parts, one for each of them: they are judged one by one. */
export function missingObservations(
  of: TargetOf,
  reason: string,
  partsBefore: readonly string[],
  look: Look,
): readonly MissingObservation[] {
  return partsOrWhole(partsBefore).map((part) => ({ ...base(of, part), ...look, outcome: 'missing', reason }));
}

export function unreachableObservations(
  of: TargetOf,
  reason: string,
  partsBefore: readonly string[],
  look: Look,
): readonly UnreachableObservation[] {
  return partsOrWhole(partsBefore).map((part) => ({ ...base(of, part), ...look, outcome: 'unreachable', reason }));
}

function partsOrWhole(parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [''] : parts;
}
