/**
 * What filled the variables of a rendered prompt, kept for analysis: once for each distinct text of
 * a version, under the same content policy as the text. One instance per policy.
 */

import { hash as digest } from 'node:crypto';
import type { AttributionMatch } from '../../contract/attribution.ts';
import { variableSources } from '../../attribution/index.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { NEVER_STORED, type Outbox, type Storable } from './outbox.ts';
import type { ContentPolicy } from './policy.ts';

/** A row of the table `call_variables`. */
export interface VariablesRow {
  readonly hash: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly kept: 0 | 1;
  readonly characters?: readonly number[];
  readonly starts?: readonly number[];
  readonly ends?: readonly number[];
}

export interface StoredVariables extends Storable {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  /** What calls refer to them by; empty when there are none. */
  readonly hash: string;
}

// Templates have a handful; who prints a table row by row is not analysed by its five-hundredth cell.
const VARIABLES_MAX = 64;
// A name is an expression of the template's, or what an emitter calls it.
const NAME_CHARACTERS_MAX = 200;
// A retrieved document is a value as well, and is stored with the text it stands in. Of longer ones
// both ends are kept: an edit beside a variable shows at an end.
const VALUE_CHARACTERS_MAX = 2_000;
const VALUE_END_CHARACTERS = 500;
// Long enough that values of a kind don't begin alike, short enough for most edits.
const EDGE_CHARACTERS = 12;
const REMEMBERED_CHARACTERS_MAX = 8 * 1024 * 1024;
const NO_VARIABLES = '';

export class VariableMemory {
  readonly #policy: ContentPolicy;
  readonly #bySource = new GenerationalCache<string, StoredVariables[]>(REMEMBERED_CHARACTERS_MAX);

  constructor(policy: ContentPolicy) {
    this.#policy = policy;
  }

  /** The hash that a call refers to its variables by; what is not stored yet is in the outbox afterwards. */
  keep(match: AttributionMatch, outbox: Outbox): string {
    const sources = variableSources(match);
    if (sources.length === 0) return NO_VARIABLES;
    const source = sources.length === 1 ? (sources[0] as string) : JSON.stringify(sources);
    const stored = this.#find(match, source);
    outbox.addVariables(stored, () => rowOf(stored.hash, match.variables, this.#policy));
    return stored.hash;
  }

  #find(match: AttributionMatch, source: string): StoredVariables {
    const ofSource = this.#bySource.get(source, source.length);
    const { prompt, version, model } = match;
    // One text is seldom of more than one version.
    for (const each of ofSource ?? []) {
      if (each.version === version && each.prompt === prompt && each.model === model) return each;
    }
    // The policy is part of it: what is kept of a text in one place may not tell of it in another.
    const identity = JSON.stringify([this.#policy.mode, prompt, version, model, source]);
    const hash = digest('sha256', identity, 'hex').slice(0, 32);
    const made: StoredVariables = { prompt, version, model, hash, storedIn: NEVER_STORED, claimedBy: null };
    if (ofSource === undefined) this.#bySource.set(source, [made], source.length);
    else ofSource.push(made);
    return made;
  }
}

function rowOf(hash: string, all: AttributionMatch['variables'], { mode }: ContentPolicy): VariablesRow {
  const variables = all.slice(0, VARIABLES_MAX);
  const names = variables.map(({ name }) => name.slice(0, NAME_CHARACTERS_MAX));
  if (mode === 'hash_only') {
    const values = variables.map(({ value }) => `sha256:${digest('sha256', value, 'hex')}`);
    const starts = variables.map(({ value }) => edgeByte(value.slice(0, EDGE_CHARACTERS)));
    const ends = variables.map(({ value }) => edgeByte(value.slice(-EDGE_CHARACTERS)));
    return { hash, names, values, kept: 0, starts, ends };
  }
  // Redaction has been applied to the text that they were cut out of.
  const values = variables.map(({ value }) => cut(value));
  return { hash, names, values, kept: 1, characters: variables.map(({ value }) => value.length) };
}

/** One byte of a hash: far too little to be turned back into words; but when twenty values share it, they share the words. */
function edgeByte(edge: string): number {
  return digest('sha256', edge, 'buffer')[0] as number;
}

/** Cut in the middle, with a mark; the hash in it tells values apart that are cut alike. */
function cut(value: string): string {
  if (value.length <= VALUE_CHARACTERS_MAX) return value;
  const start = value.slice(0, VALUE_CHARACTERS_MAX - VALUE_END_CHARACTERS).toWellFormed();
  const end = value.slice(-VALUE_END_CHARACTERS).toWellFormed();
  return `${start}\n[cut: ${value.length} characters in all, sha256:${digest('sha256', value, 'hex')}]\n${end}`;
}
