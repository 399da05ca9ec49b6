/** Which features tell of the answers, and which of what was asked. */

import { FEATURES } from '../../statistics/output-features.ts';

export const OUTPUTS: readonly number[] = FEATURES.flatMap(({ isInput }, index) => (isInput ? [] : index));
export const INPUTS: readonly number[] = FEATURES.flatMap(({ isInput }, index) => (isInput ? index : []));
