/**
 * Variables that would make git work on another repository than the one it is told. Git gives them to its hooks, and
 * each git that they start believes them. `git rev-parse --local-env-vars`, as far as they say where things are.
 */
export const OTHER_REPOSITORY: ReadonlySet<string> = new Set([
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_SHALLOW_FILE',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
]);
