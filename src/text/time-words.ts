/** Times as people read them: always UTC, always saying so, no more precise than what is known. Pure. */

import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { formatDuration, millisBetween } from '../lib/time.ts';

/** `2026-11-20 02:41:40 UTC`. */
export function timeWords(time: Timestamp): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/**
 * When something changed, as an honest interval: `between 2026-11-20 02:41:10 and 02:41:40 UTC
 * (seen 30s apart)`, `at 2026-11-20 02:41:12 UTC`, `before …` when there is no earlier look.
 */
export function intervalWords([earliest, latest]: TimeInterval): string {
  if (earliest === null) return latest === null ? 'at an unknown time' : `before ${timeWords(latest)}`;
  if (latest === null) return `after ${timeWords(earliest)}`;
  const apartMs = millisBetween(earliest, latest);
  if (earliest.slice(0, 19) === latest.slice(0, 19) && apartMs < 1_000) return `at ${timeWords(latest)}`;
  const sameDay = earliest.slice(0, 10) === latest.slice(0, 10);
  const from = sameDay ? `${earliest.slice(0, 10)} ${earliest.slice(11, 19)}` : timeWords(earliest);
  const until = sameDay ? `${latest.slice(11, 19)} UTC` : timeWords(latest);
  return `between ${from} and ${until} (seen ${formatDuration(apartMs)} apart)`;
}
