/** The verdict about words that stand beside a variable in every recent call and stood in none before. Pure. */

import { PLACES, type SharedWords } from '../attribution/index.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { sha256 } from '../lib/hash.ts';
import { displayBody } from '../text/body.ts';
import { unifiedDiff } from '../text/diff.ts';
import { timeWords } from '../text/time-words.ts';
import { withWordsBeside } from './edited-template.ts';
import { type Expected, pinnedVersion } from './expected.ts';
import type { HiddenEdit } from './hidden-edit.ts';
import { severityOf } from './severity.ts';
import { trafficTarget } from './traffic-target.ts';
import type { TrafficWindow } from './traffic-window.ts';
import { versionWords } from './version-order.ts';

export const HIDDEN_EDIT_REASON = 'same_words_beside_variable';
const SAME_WORDS = 'same_words';

/** `counts`: what the other calls of the window carry. */
export function judgeHiddenEdit(
  expected: Expected,
  { service, from }: TrafficWindow,
  edit: HiddenEdit,
  counts: readonly Evidence[],
): Judgement {
  const { prompt, environment } = expected;
  const pinned = pinnedVersion(expected);
  const firstAt = edit.seenAt.at(-1) ?? from;
  const { text, diff } = editedText(expected, service, edit);
  const summary =
    `${prompt} in ${environment}: since ${timeWords(firstAt)} the calls of ${service} carry the same words ` +
    `${PLACE[edit.shared.where]} ${edit.name}, which is a variable of ${versionWords(edit.version)}.`;
  return {
    verdict: 'edited',
    severity: severityOf('edited', environment),
    reason: HIDDEN_EDIT_REASON,
    summary,
    prompt,
    environment,
    target: trafficTarget(service, prompt),
    part: '',
    expected: pinned === null ? null : { version: pinned.version, hash: pinned.variants[0].hashes.strict },
    // The same for every look at the same edit, whatever the variables hold.
    observed: { version: edit.version, hash: sha256(text ?? sameWords(edit).words), text },
    diff,
    changedBetween: [edit.lastWithout, firstAt],
    changedBy: null,
    evidence: [
      sameWords(edit),
      { kind: 'traffic', words: countWords(edit) },
      {
        kind: 'attribution',
        words:
          `the texts are compatible with ${versionWords(edit.version)}, for the words stand where its variable ` +
          'does: either the text beside it was edited, or what fills it has changed',
      },
      ...counts,
    ],
  };
}

const PLACE = { start: 'before', end: 'behind', inside: 'within' } as const;

function countWords({ seenAt, distinct, before }: HiddenEdit): string {
  const now = `${seenAt.length} of the calls since then were looked at: they have ${distinct} different values`;
  return before === 0 ? now : `${now}; of ${before} calls before, none has the words`;
}

/** Also what the next look knows the edit by. */
function sameWords({ name, occurrence, shared }: HiddenEdit): Evidence {
  const where = `${PLACE[shared.where]} ${name}${occurrence === 0 ? '' : ` (${occurrence + 1})`}`;
  const what =
    shared.words === null
      ? `words that were not kept (byte ${shared.byte} of their hash)`
      : JSON.stringify(shared.words);
  return { kind: SAME_WORDS, words: `the same words stand ${where}: ${what}` };
}

/** The words that an incident's evidence tells of, beside this variable; null if it tells of none. */
export function toldWords(evidence: readonly Evidence[], name: string, occurrence: number): SharedWords | null {
  for (const where of PLACES) {
    const head = sameWords({ name, occurrence, shared: { where, words: '' } } as HiddenEdit).words.slice(0, -2);
    const told = evidence.find(({ kind, words }) => kind === SAME_WORDS && words.startsWith(head));
    const rest = told?.words.slice(head.length);
    const byte = rest === undefined ? null : /^words that were not kept \(byte (\d+) /.exec(rest);
    if (byte != null) return { where, words: null, byte: Number(byte[1]) };
    if (rest?.startsWith('"') === true) return { where, words: JSON.parse(rest) as string };
  }
  return null;
}

function editedText(expected: Expected, service: string, edit: HiddenEdit): { text: string | null; diff: string } {
  const version = expected.versions.find((candidate) => candidate.version === edit.version);
  if (edit.shared.words === null || version === undefined) return { text: null, diff: '' };
  const labels = {
    beforeLabel: `${expected.prompt} ${versionWords(edit.version)}`,
    afterLabel: `calls of ${service}`,
  };
  for (const { body } of version.variants) {
    const edited = withWordsBeside(body, edit);
    if (edited === null) continue;
    const text = displayBody(edited);
    return { text, diff: unifiedDiff(displayBody(body), text, labels) };
  }
  const variable = `{{ ${edit.name} }}`;
  const { words, where } = edit.shared;
  const text = where === 'start' ? `${words}${variable}` : `${variable}${words}`;
  return { text, diff: unifiedDiff(variable, text, labels) };
}
