/**
 * Finds edits that hide beside a variable. Such a text is still a render of the registered version:
 * the edit looks like part of the variable's value. But it is there in every call, whatever else
 * the value is. So for each gap of each version this keeps what all values had in common.
 */

import type { AttributionMatch } from '../contract/attribution.ts';

export interface ConstantFragment {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  /** The variable, and which of the version's gaps it fills, from 0. */
  readonly variable: string;
  readonly gap: number;
  /** What every value contains, and where. */
  readonly fragment: string;
  readonly where: 'start' | 'end' | 'inside';
  readonly captures: number;
}

// Twenty values that all share a phrase by chance are not to be expected; eight of them different
// shows that the variable does vary. A shorter fragment may be what such values are like (`https://`
// has eight characters); longer ones inside, because there are many places for a coincidence.
const CAPTURES_MIN = 20;
const DISTINCT_MIN = 8;
const EDGE_CHARACTERS_MIN = 9;
const INSIDE_CHARACTERS_MIN = 14;

const SLOTS_MAX = 10_000;
const VALUE_CHARACTERS_MAX = 4_096;
const DISTINCT_KEPT_MAX = 32;

interface Slot {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  readonly variable: string;
  readonly gap: number;
  captures: number;
  readonly distinct: Set<string>;
  start: string;
  end: string;
  /** Runs of `INSIDE_CHARACTERS_MIN` characters that every value had. */
  inside: Set<string>;
}

export class SlotConstancy {
  private readonly slots = new Map<string, Slot>();

  /** One call that is a render of a version. Values beyond 4,096 characters are looked at by their ends. */
  observe(match: AttributionMatch): void {
    for (const [gap, { name, value }] of match.variables.entries()) {
      const key = JSON.stringify([match.prompt, match.version, match.model, gap]);
      const slot = this.slots.get(key);
      if (slot !== undefined) extend(slot, value);
      else if (this.slots.size < SLOTS_MAX) this.slots.set(key, newSlot(match, gap, name, value));
    }
  }

  /** What is constant beside the variables, of all versions that were seen often enough. */
  findings(): ConstantFragment[] {
    return [...this.slots.values()].flatMap((slot) => fragmentOf(slot) ?? []);
  }

  forget(prompt: string, version: string): void {
    for (const [key, slot] of this.slots) {
      if (slot.prompt === prompt && slot.version === version) this.slots.delete(key);
    }
  }
}

function newSlot(match: AttributionMatch, gap: number, variable: string, value: string): Slot {
  const { prompt, version, model } = match;
  const [start, end] = [value.slice(0, VALUE_CHARACTERS_MAX), value.slice(-VALUE_CHARACTERS_MAX)];
  const distinct = new Set([value.slice(0, VALUE_CHARACTERS_MAX)]);
  return { prompt, version, model, variable, gap, captures: 1, distinct, start, end, inside: runsOf(value) };
}

function extend(slot: Slot, value: string): void {
  slot.captures += 1;
  if (slot.distinct.size < DISTINCT_KEPT_MAX) slot.distinct.add(value.slice(0, VALUE_CHARACTERS_MAX));
  slot.start = slot.start.slice(
    0,
    sharedLength(slot.start, value, (text, at) => text.charCodeAt(at)),
  );
  const shared = sharedLength(slot.end, value, (text, at) => text.charCodeAt(text.length - 1 - at));
  slot.end = slot.end.slice(slot.end.length - shared);
  if (slot.inside.size > 0) slot.inside = slot.inside.intersection(runsOf(value));
}

function fragmentOf(slot: Slot): ConstantFragment | null {
  if (slot.captures < CAPTURES_MIN || slot.distinct.size < DISTINCT_MIN) return null;
  const { prompt, version, model, variable, gap, captures, start, end } = slot;
  const found = { prompt, version, model, variable, gap, captures };
  if (start.trim().length >= EDGE_CHARACTERS_MIN) return { ...found, fragment: start, where: 'start' };
  if (end.trim().length >= EDGE_CHARACTERS_MIN) return { ...found, fragment: end, where: 'end' };
  const inside = longestOf(slot.inside);
  return inside === null ? null : { ...found, fragment: inside, where: 'inside' };
}

function sharedLength(a: string, b: string, codeAt: (text: string, at: number) => number): number {
  const limit = Math.min(a.length, b.length);
  let size = 0;
  while (size < limit && codeAt(a, size) === codeAt(b, size)) size += 1;
  return size;
}

function runsOf(value: string): Set<string> {
  const looked = value.slice(0, VALUE_CHARACTERS_MAX);
  const runs = new Set<string>();
  for (let at = 0; at + INSIDE_CHARACTERS_MIN <= looked.length; at += 1) {
    runs.add(looked.slice(at, at + INSIDE_CHARACTERS_MIN));
  }
  return runs;
}

/** Runs overlap by all but one character: joined again, they are the fragment they were cut from. */
function longestOf(runs: ReadonlySet<string>): string | null {
  const byBeginning = new Map([...runs].map((run) => [run.slice(0, -1), run]));
  const isContinuation = new Set([...runs].map((run) => run.slice(1)));
  let longest: string | null = null;
  for (const run of runs) {
    // Start where nothing leads in.
    if (isContinuation.has(run.slice(0, -1))) continue;
    let joined = run;
    let next = byBeginning.get(joined.slice(1 - INSIDE_CHARACTERS_MIN));
    while (next !== undefined && joined.length < VALUE_CHARACTERS_MAX) {
      joined += next.at(-1) ?? '';
      next = byBeginning.get(joined.slice(1 - INSIDE_CHARACTERS_MIN));
    }
    if (joined.length > (longest?.length ?? 0)) longest = joined;
  }
  return longest;
}
