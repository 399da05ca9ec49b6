/** What is not wrong with a registry, but good to know, in sentences. Pure. */

import type { GitPlaceAnswer } from './git-places.ts';
import type { CommittedHistory } from './git-history.ts';
import type { Records } from './records.ts';

const ONLY_FILES = 'versions come from the files alone, without author and time';

export function gitNote(folder: string, git: GitPlaceAnswer): string | null {
  switch (git.kind) {
    case 'no_git':
      return `There is no git program on this machine: ${ONLY_FILES}.`;
    case 'no_repository':
      return `${folder} is in no Git repository: ${ONLY_FILES}.`;
    case 'no_commits':
      return `The Git repository of ${folder} has no commit yet: ${ONLY_FILES}.`;
    case 'refused':
      return `Git does not read the repository of ${folder} (${git.reason}): ${ONLY_FILES}.${remedy(git.reason)}`;
    case 'found':
      break;
  }
  if (!git.place.isShallow) return null;
  return `${folder} is in a shallow clone: versions older than it are not known, nor since when its oldest ones exist. \`git fetch --unshallow\` brings them.`;
}

/** A container and a service run as other users than whoever cloned the repository that they look at. */
function remedy(reason: string): string {
  const path = /dubious ownership in repository at '(.+)'/.exec(reason)?.[1];
  return path === undefined
    ? ''
    : ` It belongs to another user: \`git config --global --add safe.directory ${path}\`, as the user that Plumbline runs as, lets Git read it.`;
}

export function stateNotes(records: Records, histories: readonly { readonly history: CommittedHistory }[]): string[] {
  const notes: string[] = [];
  // Without any history every file is uncommitted, and `gitNote` has said why.
  const uncommitted = records.current.filter(({ state }) => state === 'uncommitted').map(({ source }) => source);
  if (uncommitted.length > 0 && histories.length > 0) {
    const names = uncommitted.map(({ draft, document }) => `${draft.id} ${draft.version} (${document.file})`);
    notes.push(`Not committed yet, so without author and time: ${some(names)}.`);
  }
  if (records.unusable.length > 0) {
    const names = records.unusable.map(({ claim, reason }) => {
      const { id, version } = claim.draft;
      return `${id} ${version} in commit ${(claim.commit ?? '').slice(0, 10)} (${reason})`;
    });
    notes.push(`Committed versions that can not be put together: ${some(names)}.`);
  }
  for (const { history } of histories) {
    const { count, example } = history.unreadable;
    if (count > 0) notes.push(`${count} committed states of YAML files hold no readable prompt, e.g. of ${example}.`);
  }
  return notes;
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
