/**
 * The same call in two traces, or twice in one: two instrumentations that know nothing of each
 * other both report the provider's response id, at the same time. A report that lacks the id finds its twin by
 * what was said at the same moment in the same service.
 */

import { joinWrappers } from './beside.ts';
import { groupSharing } from './same-response.ts';
import { compareText } from '../lib/compare.ts';
import { type CallUnit, compareUnits, endOf, responseIdOf, startOf } from './units.ts';

/** A unit with the views of the same call found elsewhere, nearest to the call first. */
export interface CallGroup {
  readonly owner: CallUnit;
  readonly others: readonly CallUnit[];
}

export function groupAcross(units: readonly CallUnit[]): CallGroup[] {
  const [only] = units;
  if (only === undefined) return [];
  if (units.length === 1) return [{ owner: only, others: [] }];
  const alone: CallGroup[] = [];
  const byResponse = new Map<string, CallUnit[]>();
  for (const unit of units) {
    const responseId = responseIdOf(unit);
    if (responseId === undefined) alone.push({ owner: unit, others: [] });
    else {
      const same = byResponse.get(responseId);
      if (same === undefined) byResponse.set(responseId, [unit]);
      else same.push(unit);
    }
  }
  const groups = [...alone, ...[...byResponse.values()].flatMap(groupOf)];
  return joinTwins(joinWrappers(groups, innermostFirst));
}

/** Units of one response id. */
function groupOf(units: readonly CallUnit[]): CallGroup[] {
  return groupSharing(units).map((reports) => {
    const [owner, ...others] = reports.toSorted(innermostFirst);
    return { owner: owner as CallUnit, others };
  });
}

/**
 * Identical calls may well run side by side, so a report without an id joins only a call that the
 * same instrumentation has not reported yet, each at most one.
 */
function joinTwins(groups: readonly CallGroup[]): CallGroup[] {
  const byKey = new Map<string, CallGroup[]>();
  for (const group of groups) {
    const key = twinKeyOf(group.owner);
    if (key === undefined) continue;
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [group]);
    else same.push(group);
  }
  const joined = new Map<CallGroup, CallGroup | null>();
  for (const same of byKey.values()) if (same.length > 1) joinAlike(same, joined);
  return groups.flatMap((group) => (joined.has(group) ? (joined.get(group) ?? []) : [group]));
}

/** Groups of one key. `joined` gets what each becomes; null for a twin that went into another. */
function joinAlike(groups: readonly CallGroup[], joined: Map<CallGroup, CallGroup | null>): void {
  const sorted = groups.toSorted(
    (a, b) => compareText(startOf(a.owner), startOf(b.owner)) || compareUnits(a.owner, b.owner),
  );
  const hasId = ({ owner }: CallGroup): boolean => responseIdOf(owner) !== undefined;
  const homes = sorted.filter(hasId);
  let firstFree = 0;
  for (const twin of sorted) {
    if (hasId(twin)) continue;
    while (firstFree < homes.length && joined.has(homes[firstFree] as CallGroup)) firstFree++;
    for (let index = firstFree; index < homes.length; index++) {
      const home = homes[index] as CallGroup;
      if (startOf(home.owner) > endOf(twin.owner)) break;
      if (joined.has(home) || !isTwin(twin.owner, home)) continue;
      const [owner, ...others] = [home.owner, ...home.others, twin.owner].toSorted(innermostFirst);
      joined.set(home, { owner: owner as CallUnit, others });
      joined.set(twin, null);
      break;
    }
  }
}

function isTwin(twin: CallUnit, { owner, others }: CallGroup): boolean {
  const fact = twin.call.fact;
  if (startOf(twin) > endOf(owner) || startOf(owner) > endOf(twin)) return false;
  return [owner, ...others].every(
    ({ call, trace }) =>
      trace !== twin.trace &&
      call.fact?.instrumentation !== fact?.instrumentation &&
      call.fact?.service === fact?.service,
  );
}

function twinKeyOf({ call }: CallUnit): string | undefined {
  return call.fact?.twinKey;
}

/** Inside is what starts last; then what ends first; then the lowest id, so that there is always one answer. */
function innermostFirst(a: CallUnit, b: CallUnit): number {
  return compareText(startOf(b), startOf(a)) || compareText(endOf(a), endOf(b)) || compareUnits(a, b);
}
