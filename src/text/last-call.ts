/** When what an incident is about was last called, as evidence that its last alert repeats. Pure. */

import type { TimeInterval } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { intervalWords } from './time-words.ts';

const LAST_CALL = 'last_call';

/** Nothing where that is not known. */
export function lastCallEvidence(lastCall: TimeInterval): readonly Evidence[] {
  if (lastCall[1] === null) return [];
  return [{ kind: LAST_CALL, words: `it was last called ${intervalWords(lastCall)}` }];
}

export function lastCallWords(evidence: readonly Evidence[]): string | null {
  return evidence.findLast(({ kind }) => kind === LAST_CALL)?.words ?? null;
}
