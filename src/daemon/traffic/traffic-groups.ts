/**
 * From stored calls that were attributed alike to the groups that `judgeTraffic` weighs. A group
 * claims no more calls than there is evidence for: a single odd one among many counts as one. Pure.
 */

import type { Attribution } from '../../contract/attribution.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { TrafficRow } from '../../contract/traffic-log.ts';
import { TRAFFIC_THRESHOLDS, type TrafficGroup } from '../../drift/traffic-window.ts';
import { isUnregistered } from '../attribution/attribution-desk.ts';
import type { RegistryView } from '../registry/registry-view.ts';

/**
 * - `clear`: what is stored says it all.
 * - `alike`: its calls carry one version and one declaration, so one example stands for all.
 * - `mixed`: its calls may carry anything.
 */
export type RowNature = 'clear' | 'alike' | 'mixed';

export function natureOf(row: TrafficRow, registry: RegistryView): RowNature {
  if (isUncheckable(row)) return 'clear';
  if (row.prompt === '' || row.version === '') return 'mixed';
  return isUnregistered(row.version) || contradicts(row, registry) ? 'alike' : 'clear';
}

/** The prompt that the calls belong to, as far as the row knows; empty: none. */
export function promptOf(row: TrafficRow): string {
  return row.prompt === '' ? row.declaredPrompt : row.prompt;
}

/** A row whose stored attribution is all there is to know. */
export function storedGroup(row: TrafficRow, registry: RegistryView): TrafficGroup {
  if (isUncheckable(row))
    return groupOf(row, { ...NO_ANSWER, kind: 'unverifiable', words: 'the texts could not be checked' });
  if (row.version === '' || isUnregistered(row.version)) {
    const words =
      row.version === ''
        ? `the texts are ${row.kind}`
        : 'the texts are one that was seen live and that nobody registered';
    return groupOf(row, { ...NO_ANSWER, kind: row.version === '' ? row.kind : 'unknown', words });
  }
  const { prompt, version } = row;
  return groupOf(row, {
    kind: row.kind,
    matches: [{ prompt, version, model: '', literalBytes: 0, gaps: 0, hash: null, variables: [] }],
    near: [],
    contradictsDeclaration: contradicts(row, registry),
    words: `the texts are compatible with version ${version}`,
  });
}

/** What a closer look at one call found. */
export interface ExampleAnswer {
  readonly startedAt: Timestamp;
  /** False: its text is not stored, and the attribution is what the row says. */
  readonly wasRead: boolean;
  readonly prompt: string;
  readonly attribution: Attribution;
  readonly hash: ContentHash | null;
  readonly text: string | null;
}

export function groupAlike(row: TrafficRow, example: ExampleAnswer): TrafficGroup {
  const { attribution, hash, text } = example;
  return { ...groupOf(row, attribution), hash, text };
}

/**
 * Examples with the same answer form a group. So many that they could decide by themselves speak for
 * their share of the row; fewer are counted as what they are.
 */
export function groupsOfExamples(
  row: TrafficRow,
  examples: readonly ExampleAnswer[],
): readonly { readonly prompt: string; readonly group: TrafficGroup }[] {
  const alike = Map.groupBy(examples, ({ prompt, attribution }) =>
    JSON.stringify([
      prompt,
      attribution.kind,
      attribution.matches.map(({ version }) => version),
      attribution.near[0]?.version,
    ]),
  );
  return [...alike.values()].flatMap((same) => {
    const [example] = same;
    if (example === undefined || example.prompt === '') return [];
    const times = same.map(({ startedAt }) => startedAt).toSorted();
    const isTelling = same.length >= TRAFFIC_THRESHOLDS.callsMin;
    const calls = isTelling ? Math.round((row.calls * same.length) / examples.length) : same.length;
    const group = {
      ...groupAlike(row, example),
      calls,
      firstAt: times[0] ?? row.firstAt,
      lastAt: times.at(-1) ?? row.lastAt,
    };
    return [{ prompt: example.prompt, group }];
  });
}

const NO_ANSWER = { matches: [], near: [], contradictsDeclaration: false } as const;

function groupOf(row: TrafficRow, attribution: Attribution): TrafficGroup {
  return {
    instance: row.instance,
    calls: row.calls,
    firstAt: row.firstAt,
    lastAt: row.lastAt,
    attribution,
    declaredVersion: row.declaredVersion === '' ? null : row.declaredVersion,
    hash: null,
    text: null,
  };
}

/** A declaration alone says what an emitter believes, not what it sent. */
function isUncheckable({ kind, hasContent }: TrafficRow): boolean {
  return !hasContent || kind === 'unverifiable' || kind === 'insufficient_evidence';
}

/** What is declared is registered, and is not what the text is. A version that nobody registered may be a label. */
function contradicts(row: TrafficRow, registry: RegistryView): boolean {
  const { prompt, version, declaredPrompt, declaredVersion } = row;
  if (declaredPrompt === '' || registry.versionsOf(declaredPrompt).length === 0) return false;
  if (registry.version(declaredPrompt, declaredVersion) === null) return declaredPrompt !== prompt;
  return declaredPrompt !== prompt || declaredVersion !== version;
}
