/** The only reader of `process.env`, and the only place that changes it. */

/** What the daemon takes from its surroundings, read once. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** People asked for no colours, or nobody is looking at a terminal. */
  readonly colour: boolean;
}

export function readEnvironment(isTerminal: boolean): Environment {
  const variables = { ...process.env };
  const noColour = variables['NO_COLOR'] !== undefined && variables['NO_COLOR'] !== '';
  const forced = variables['FORCE_COLOR'] !== undefined && variables['FORCE_COLOR'] !== '0';
  return { variables, colour: forced || (isTerminal && !noColour) };
}

/** `git rev-parse --local-env-vars`, as far as they say where things are. */
const GIT_REPOSITORY = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_SHALLOW_FILE',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
];

/**
 * Git tells its hooks which repository they run for, and each git that they start believes it,
 * wherever it is started. Ours are about the folders that the configuration names.
 */
export function leaveGitHook(): void {
  for (const name of GIT_REPOSITORY) delete process.env[name];
}
