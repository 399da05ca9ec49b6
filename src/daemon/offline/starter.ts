/** Which source types a new user can start with, and their first configuration. */

import { sourcePlugins } from '../../../collectors/index.ts';
import type { Starter } from '../../cli/context.ts';
import { starterConfiguration } from '../../config/starter.ts';
import { Fault } from '../../contract/fault.ts';
import { closest } from '../../lib/closest.ts';
import { listSourceTypes } from '../../polling/open-sources.ts';

const FOLDER = './prompts';

/** Throws a `Fault` when there is no such type, it can't list what it holds, or something it needs is not given. */
export function starter(
  type: string,
  given: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Starter {
  const fit = listSourceTypes(sourcePlugins).filter(({ powers }) => powers.includes('discover'));
  const plugin = sourcePlugins.find((candidate) => candidate.type === type);
  const powers = fit.find((candidate) => candidate.type === type)?.powers;
  if (plugin !== undefined && powers !== undefined) {
    const folder = powers.includes('versions') ? null : FOLDER;
    return { text: starterConfiguration({ plugin, given, variables, folder }), folder };
  }
  const names = fit.map((candidate) => candidate.type);
  const similar = closest(type, names);
  throw new Fault(
    'config',
    plugin === undefined
      ? `There is no source type ${type}.`
      : `A source of the type ${type} can't list what it holds.`,
    { hint: similar === null ? `To start from: ${names.join(', ')}.` : `Did you mean ${similar}?` },
  );
}
