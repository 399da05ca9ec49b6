/**
 * What a judgement about a target is made from, less the time of the look, in few bytes: equal
 * input, equal judgement. Pure.
 */

import type { HeldObservation, Observation } from '../../contract/observation.ts';
import type { Expected } from '../../drift/expected.ts';
import { sha256 } from '../../lib/hash.ts';
import { canonicalJson } from '../../lib/json.ts';

/** All that is expected of a prompt in an environment. Where it is written down may move without it changing. */
export function expectationKey({ pin, versions }: Expected): string {
  const wanted = pin === null ? null : [pin.version, pin.hash, pin.rule, pin.since, pin.by];
  const registered = versions.map((version) => [
    version.version,
    version.parent,
    version.owner,
    version.registry,
    version.registeredAt,
    version.variants.map(({ model, format, settings, hashes }) => [model, format, settings, hashes.strict]),
  ]);
  return sha256(canonicalJson([wanted, registered]));
}

/** What one look at one part said. */
export function observationKey(observation: Observation): string {
  if (observation.outcome !== 'held') {
    const ended = observation.outcome === 'missing' && observation.partEnded === true;
    return JSON.stringify([observation.outcome, observation.reason, ended]);
  }
  const { hashes, resolved, settings, pointer, sourceVersion, editedAt, editedBy, share, url } = observation;
  // The body itself is long, and its hash says as much.
  return JSON.stringify([
    hashes.strict,
    resolved?.hashes.strict ?? null,
    canonicalJson(settings),
    pointer?.name ?? null,
    pointer?.value ?? null,
    sourceVersion,
    editedAt,
    editedBy,
    share,
    url,
  ]);
}

/** What a target's parts held together; empty for a target that holds one thing. */
export function partsKey(held: readonly HeldObservation[]): string {
  if (held.length < 2) return '';
  return sha256(JSON.stringify(held.map(({ part, hashes, share }) => [part, hashes.strict, share])));
}
