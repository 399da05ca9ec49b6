/**
 * One call beside itself: Langfuse's wrappers of clients make a span around nothing, so what another
 * instrumentation reports of the same request is not inside of it but beside it, under the same parent. The
 * wrapper knows no response id.
 */

import type { CallGroup } from './across.ts';
import { areOfTwoKinds, isFailure, kindOf } from './evidence.ts';
import { compareTokens, tokensOf } from './tokens.ts';
import { compareText } from '../lib/compare.ts';
import { type CallUnit, compareUnits, endOf, factsOfUnit, responseIdOf, startOf } from './units.ts';

// Of calls at one time the first free one is mostly it; where it is none of so many, nobody can tell.
const COMPARED_MAX = 64;

/** The groups, of which some took in the report of a wrapper, each at most one. */
export function joinWrappers(
  groups: readonly CallGroup[],
  innermostFirst: (a: CallUnit, b: CallUnit) => number,
): readonly CallGroup[] {
  if (!groups.some(isWrapper)) return groups;
  const joined = new Map<CallGroup, CallGroup | null>();
  const byStart = groups.toSorted(
    (a, b) => compareText(startOf(a.owner), startOf(b.owner)) || compareUnits(a.owner, b.owner),
  );
  for (const [parent, siblings] of Map.groupBy(byStart, ({ owner }) => parentOf(owner))) {
    if (parent === '') continue;
    const homes = new Homes(siblings.filter((group) => !isWrapper(group)));
    for (const wrapper of siblings) {
      const home = isWrapper(wrapper) ? homes.take(wrapper.owner) : undefined;
      if (home === undefined) continue;
      const [owner, ...others] = [home.owner, ...home.others, wrapper.owner].toSorted(innermostFirst);
      joined.set(home, { owner: owner as CallUnit, others });
      joined.set(wrapper, null);
    }
  }
  return groups.flatMap((group) => (joined.has(group) ? (joined.get(group) ?? []) : [group]));
}

/** Calls below one parent that no wrapper has been found for yet, by start. */
class Homes {
  readonly #groups: readonly CallGroup[];
  readonly #taken = new Set<CallGroup>();
  #first = 0;

  constructor(groups: readonly CallGroup[]) {
    this.#groups = groups;
  }

  /** For wrappers in order of start: the first that began while it was open, and brought the same. */
  take(wrapper: CallUnit): CallGroup | undefined {
    for (let group = this.#groups[this.#first]; group !== undefined; group = this.#groups[++this.#first]) {
      if (!this.#taken.has(group) && startOf(group.owner) >= startOf(wrapper)) break;
    }
    for (const group of this.#groups.slice(this.#first, this.#first + COMPARED_MAX)) {
      if (startOf(group.owner) > endOf(wrapper)) return undefined;
      if (this.#taken.has(group) || !isSame(group.owner, wrapper)) continue;
      this.#taken.add(group);
      return group;
    }
    return undefined;
  }
}

function isWrapper({ owner, others }: CallGroup): boolean {
  return others.length === 0 && owner.call.fact?.dialects[0] === 'langfuse' && responseIdOf(owner) === undefined;
}

/** Empty where a report has no parent: nothing is beside a root. */
function parentOf({ trace, call }: CallUnit): string {
  const parent = call.fact?.parentSpanId ?? '';
  return parent === '' ? '' : `${trace.traceId}/${parent}`;
}

function isSame(unit: CallUnit, wrapper: CallUnit): boolean {
  const [facts, wrapped] = [factsOfUnit(unit), factsOfUnit(wrapper)];
  if (areOfTwoKinds(kindOf(facts), kindOf(wrapped))) return false;
  if (isFailure(facts) || isFailure(wrapped)) return isFailure(facts) && isFailure(wrapped);
  return compareTokens(tokensOf(facts), tokensOf(wrapped)) === 'equal';
}
