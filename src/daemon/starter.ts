/** Which source types a new user can start with, and their first configuration. */

import { sourcePlugins } from '../../collectors/index.ts';
import { starterConfiguration } from '../config/starter.ts';
import { Fault } from '../contract/fault.ts';
import { closest } from '../lib/closest.ts';
import { listSourceTypes } from '../polling/open-sources.ts';

/** Throws a `Fault` when there is no such type, it can't be a registry, or its keys are not set. */
export function starter(type: string, variables: Readonly<Record<string, string | undefined>>): string {
  const fit = listSourceTypes(sourcePlugins)
    .filter(({ powers }) => powers.includes('versions') && powers.includes('discover'))
    .map((plugin) => plugin.type);
  const plugin = sourcePlugins.find((candidate) => candidate.type === type);
  if (plugin !== undefined && fit.includes(type)) return starterConfiguration({ plugin, variables });
  const similar = closest(type, fit);
  throw new Fault(
    'config',
    plugin === undefined ? `There is no source type ${type}.` : `A source of the type ${type} keeps no history.`,
    { hint: similar === null ? `To start from: ${fit.join(', ')}.` : `Did you mean ${similar}?` },
  );
}
