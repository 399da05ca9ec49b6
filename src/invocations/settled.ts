/**
 * What settling a set of facts gives, and how its caller keeps stored rows true:
 *
 * 1. Read the facts of every trace that got new facts, and of every trace that shares a lookup key
 *    with them (`lookupKeys(fact)`). Facts with an empty traceId are found by their keys alone.
 * 2. `settle(facts)`: pure; any order, any duplication, one trace or many.
 * 3. Write `invocations`, and take back earlier rows whose identity is in `absorbed`. Whatever
 *    was settled before with fewer facts is then as if it had been settled with all of them at
 *    once. An identity that was absorbed may come back as an invocation; the last answer holds.
 */

import type { Evaluation, Invocation } from '../contract/invocation.ts';

export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
}

/** What may have looked like an invocation while less was known, and is none. */
export interface Absorbed extends SpanIdentity {
  /** The invocation that it is a view of; null when it is a view of none that is known. */
  readonly into: SpanIdentity | null;
}

/** A judgement about something that is no invocation of this set: settle again when that arrives. */
export interface UnattachedEvaluation extends SpanIdentity {
  readonly responseId: string | null;
  readonly target: string | null;
  readonly evaluation: Evaluation;
}

export interface Settled {
  /**
   * Sorted by (startedAt, traceId, spanId). `startedAt` of an identity is its span's own start and
   * never moves; only while nothing but a log record is known of a call is it that record's time.
   */
  readonly invocations: readonly Invocation[];
  /** Sorted by identity. Found out when it is asked for. */
  readonly absorbed: readonly Absorbed[];
  readonly unattached: readonly UnattachedEvaluation[];
}
