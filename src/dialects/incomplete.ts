/** Says of a reading what it may lack, without forgetting what was said of it before. */

import type { IncompleteReason } from '../contract/invocation.ts';
import type { Reading } from './dialect.ts';

export function markIncomplete(reading: Reading, reason: IncompleteReason): void {
  const known = reading.incomplete ?? [];
  if (!known.includes(reason)) reading.incomplete = [...known, reason];
}
