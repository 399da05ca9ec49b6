/** The diff of a judgement: the text from expected to observed, and the settings below it. Pure. */

import type { HeldObservation } from '../contract/observation.ts';
import { unifiedDiff } from '../text/diff.ts';
import { shortenDiff } from '../text/shorten-diff.ts';
import type { Decision } from './content-case.ts';
import { comparableTexts } from './content-match.ts';
import { settingsHunk } from './settings.ts';
import { versionWords } from './version-order.ts';

/** An incident carries its diff through store, API and alerts; a person reads no more than this. */
const DIFF_BYTES_MAX = 16_384;

export function diffContent(held: HeldObservation, { comparedWith, settings, verdict }: Decision): string {
  if (comparedWith === null) return '';
  const beforeLabel = `${held.prompt} ${versionWords(comparedWith.version.version)}`;
  const afterLabel = `${held.target}${held.part === '' ? '' : ` ${held.part}`}`;
  const [registered, live] = comparableTexts(comparedWith.variant.body, held.body);
  const text = unifiedDiff(registered, live, { beforeLabel, afterLabel, bytesMax: DIFF_BYTES_MAX });
  // What is in sync as far as we can tell needs no list of settings.
  const hunk = verdict === 'in_sync' ? [] : settingsHunk(settings);
  if (hunk.length === 0) return text;
  const head = text === '' ? [`--- ${beforeLabel}`, `+++ ${afterLabel}`] : text.split('\n');
  return shortenDiff([...head, ...hunk].join('\n'), DIFF_BYTES_MAX);
}
