/** Which features tell of the answers, and which of what was asked; and the counts of one of them among those of all. */

import { FEATURES } from '../../statistics/output-features.ts';

export const OUTPUTS: readonly number[] = FEATURES.flatMap(({ isInput }, index) => (isInput ? [] : index));
export const INPUTS: readonly number[] = FEATURES.flatMap(({ isInput }, index) => (isInput ? index : []));

export function ofFeature(counts: readonly number[], offsets: readonly number[], feature: number): readonly number[] {
  return counts.slice(offsets[feature], offsets[feature + 1]);
}
