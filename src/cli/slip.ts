/** Why an answer of nothing may not be about what was meant: nothing is called so. */

import { closest } from '../lib/closest.ts';
import { allPages, type DaemonClient } from './client.ts';

interface Prompt {
  readonly id: string;
  readonly pins: readonly { readonly environment: string }[];
}
interface Target {
  readonly prompt: string;
  readonly environment: string;
}

const NAMES_SHOWN = 8;

/** For a person whose question found nothing. Null where both names are known. */
export async function slipIn(
  client: DaemonClient,
  prompt: string,
  environment: string | undefined,
): Promise<string | null> {
  const [prompts, targets] = await Promise.all([
    allPages<Prompt>(client, '/api/v1/prompts'),
    allPages<Target>(client, '/api/v1/targets'),
  ]);
  const names = new Set([...prompts.map(({ id }) => id), ...targets.map((target) => target.prompt)]);
  if (!names.has(prompt)) return `No prompt called ${prompt} is registered or watched. ${meant(prompt, names)}`;
  const environments = new Set(
    [...prompts.flatMap(({ pins }) => pins), ...targets].map((pinOrTarget) => pinOrTarget.environment),
  );
  if (environment === undefined || environments.has(environment)) return null;
  return `In an environment called ${environment} nothing is pinned or watched. ${meant(environment, environments)}`;
}

function meant(word: string, names: ReadonlySet<string>): string {
  const similar = closest(word, names);
  if (similar !== null) return `Did you mean ${similar}?`;
  const more = names.size > NAMES_SHOWN ? ', …' : '';
  return names.size === 0 ? 'There is none.' : `There is ${[...names].slice(0, NAMES_SHOWN).join(', ')}${more}.`;
}
