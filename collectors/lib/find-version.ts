/** Finds the version to point at, for registries that restore by moving a label. */

import { Fault } from '../../src/contract/fault.ts';
import type { PromptBody } from '../../src/contract/prompt.ts';
import type { RestoreRequest } from '../../src/contract/source.ts';
import { canonicalBody } from '../../src/text/body.ts';

// Versions looked through for one with the wanted content, newest first.
const SEARCHED_VERSIONS_MAX = 50;

/** The version that is named, if it holds the wanted content, else the newest that does; null when none does. */
export async function findVersion<Version>(
  request: RestoreRequest,
  versionsNewestFirst: readonly string[],
  load: (version: string) => Promise<{ readonly version: Version; readonly body: PromptBody } | null>,
): Promise<Version | null> {
  const named = request.sourceVersion;
  const newest = versionsNewestFirst.slice(0, SEARCHED_VERSIONS_MAX);
  for (const name of named === undefined ? newest : [named, ...newest]) {
    const found = await load(name);
    if (found !== null && canonicalBody(found.body) === canonicalBody(request.body)) return found.version;
  }
  return null;
}

/** For registries in which Plumbline writes no version of its own. */
export function noSuchVersion(target: string, request: RestoreRequest): Fault {
  return new Fault('permanent', `No version there holds what version ${request.version} of ${target} says.`, {
    hint: 'Nothing was written. Commit that content there, then restore again.',
  });
}
