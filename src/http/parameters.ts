/** Query parameters that many routes share, parsed once. */

import { z } from 'zod';
import type { SeenContent } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import { parseTimestamp } from '../lib/time.ts';
import { SHOWN_HASH_DIGITS } from '../text/hashes.ts';
import { badRequest } from './problem.ts';

const SEEN = new RegExp(`^(missing|sha256:[0-9a-f]{${SHOWN_HASH_DIGITS},64})$`);

/** RFC 3339 with 0 to 9 fractional digits; normalised to nine. */
export const timestamp = z.string().transform((text, context): Timestamp => {
  const parsed = parseTimestamp(text);
  if (parsed !== null) return parsed;
  context.addIssue({ code: 'custom', message: 'is not an RFC 3339 time such as 2026-11-20T02:47:00Z' });
  return z.NEVER;
});

/** As answers and alerts name a content. What is shorter than in an alert could mean another one. */
export const seenContent = z
  .string()
  .regex(SEEN, `is neither \`missing\` nor \`sha256:\` and ${SHOWN_HASH_DIGITS} to 64 hex digits`)
  .transform((text) => text as SeenContent);

/** A name of the time zone database, in its own letters. An offset is none: summer has another one. */
export const timeZone = z.string().transform((text, context): string => {
  const zone = /^[A-Za-z]/.test(text) ? zoneCalled(text) : null;
  if (zone !== null) return zone;
  context.addIssue({ code: 'custom', message: 'is no time zone such as Europe/Berlin' });
  return z.NEVER;
});

function zoneCalled(text: string): string | null {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Throws a problem for a period that ends before it begins; without one of its ends it may be any. */
export function assertPeriod(from: Timestamp | undefined, to: Timestamp | undefined): void {
  if (from !== undefined && to !== undefined && from > to)
    throw badRequest('The period ends before it begins.', [{ field: 'to', message: 'must not be before `from`' }]);
}

/** Rows a page may have. */
export const PAGE_ROWS_MAX = 1_000;

export const paging = {
  limit: z.coerce.number().int().min(1).max(PAGE_ROWS_MAX).default(100),
  cursor: z.string().max(2_000).optional(),
};
