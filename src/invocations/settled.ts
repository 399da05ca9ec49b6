/**
 * What settling a set of facts gives, and how its caller keeps stored rows true:
 *
 * 1. Read the facts of every trace that got new facts, and of every trace that shares a lookup key
 *    with them (`lookupKeys(fact)`). Facts with an empty traceId are found by their keys alone.
 * 2. `settle(facts)`: pure; any order, any duplication, one trace or many.
 * 3. Write `invocations`, and take back whatever else was written of these traces before. It is then
 *    as if all had been settled at once. An identity that was taken back may come again as an
 *    invocation; the last answer holds.
 */

import type { Invocation } from '../contract/invocation.ts';

export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
}

export interface Settled {
  /**
   * Sorted by (startedAt, traceId, spanId). `startedAt` of an identity is its span's own start and
   * never moves; only while nothing but a log record is known of a call is it that record's time.
   */
  readonly invocations: readonly Invocation[];
}
