/** The only reader of `process.env`, and the only place that changes it. */

import { OTHER_REPOSITORY } from '../lib/git-environment.ts';

/** What the daemon takes from its surroundings, read once. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** People asked for no colours, or nobody is looking at a terminal. */
  readonly colour: boolean;
}

export function readEnvironment(isTerminal: boolean): Environment {
  const variables = { ...process.env };
  // Empty is as good as not set, of both: https://no-color.org and https://force-color.org.
  const noColour = (variables['NO_COLOR'] ?? '') !== '';
  const forced = !['', '0'].includes(variables['FORCE_COLOR'] ?? '');
  return { variables, colour: forced || (isTerminal && !noColour) };
}

/**
 * Git tells its hooks which repository they run for, and each git that they start believes it,
 * wherever it is started. Ours are about the folders that the configuration names.
 * What it complains of is read, which it writes in the language of its user.
 */
export function prepareForGit(): void {
  for (const name of OTHER_REPOSITORY) delete process.env[name];
  process.env['LC_ALL'] = 'C';
}
