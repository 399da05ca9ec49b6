/**
 * Asks one address for each group of targets, and believes a 404 only where the way to it is known to be right.
 * Gateways, load balancers and frameworks answer 404 in JSON to whatever they have no route for, just as an API does
 * for a prompt that is gone; so another address of the same route must be found at the same time.
 */

import type { Reading, SourceTarget } from '../../src/contract/source.ts';
import { hostOf } from '../../src/lib/http.ts';
import { readGroups } from './read-each.ts';

export interface AddressReader<Target> {
  addressOf(target: SourceTarget<Target>): string;
  /** What the addresses of one route have in common. */
  routeOf(target: SourceTarget<Target>): string;
  /** Null: 404. */
  read(address: string, targets: readonly SourceTarget<Target>[]): Promise<readonly Reading[] | null>;
  /** False: 404. */
  isThere(address: string): Promise<boolean>;
}

interface Absent<Target> {
  readonly address: string;
  readonly targets: readonly SourceTarget<Target>[];
}

/** `lastFound`: by route, the address that was found last, for the looks to come. */
export async function* readAddresses<Target>(
  reader: AddressReader<Target>,
  targets: readonly SourceTarget<Target>[],
  lastFound: Map<string, string>,
  signal: AbortSignal,
): AsyncIterable<Reading> {
  const found = new Set<string>();
  const absent = new Map<string, Absent<Target>[]>();
  const groups = [...Map.groupBy(targets, (target) => reader.addressOf(target)).values()];
  yield* readGroups<Target, readonly SourceTarget<Target>[]>(groups, signal, async (group) => {
    const [first] = group;
    if (first === undefined) return [];
    const [address, route] = [reader.addressOf(first), reader.routeOf(first)];
    const readings = await reader.read(address, group);
    if (readings === null) {
      absent.set(route, [...(absent.get(route) ?? []), { address, targets: group }]);
      return [];
    }
    found.add(route);
    lastFound.set(route, address);
    return readings;
  });
  for (const [route, gone] of absent) {
    const isRouteRight = found.has(route) || (await isStillThere(reader, lastFound.get(route), gone));
    for (const { address, targets: group } of gone) {
      yield* group.map(({ id }) => (isRouteRight ? missing(id, address) : withoutProof(id, address)));
    }
  }
}

async function isStillThere<Target>(
  reader: AddressReader<Target>,
  before: string | undefined,
  gone: readonly Absent<Target>[],
): Promise<boolean> {
  if (before === undefined || gone.some(({ address }) => address === before)) return false;
  return reader.isThere(before);
}

function missing(target: string, address: string): Reading {
  return { outcome: 'missing', target, reason: `${hostOf(address)} has no such prompt (404).` };
}

function withoutProof(target: string, address: string): Reading {
  const reason = `${hostOf(address)} answered 404, and nothing else was found there that would prove the way right: a gateway may have lost it, or the address is wrong. Say with \`absent\` in the configuration how the API's own 404 is told.`;
  return { outcome: 'unreachable', target, reason };
}
