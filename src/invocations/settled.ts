/**
 * What settling a set of facts gives, and how its caller keeps stored rows true:
 *
 * 1. Read the facts of every trace that got new facts (`SpanFacts.traceId`; facts without one are
 *    a set of their own) and of every trace that shares a response id with them
 *    (`responseIds(facts)` lists what to look up; facts with an empty traceId are found the same way).
 * 2. `settle(facts)`: pure, any order, any duplication, one trace or many.
 * 3. Write `invocations`, and take back earlier rows whose identity is in `absorbed`: that span has
 *    turned out to be an outer view of another invocation.
 */

import type { Invocation } from '../contract/invocation.ts';

/** A span that reported a call and is not itself the invocation. */
export interface Absorbed {
  readonly traceId: string;
  readonly spanId: string;
  /** The invocation that it is a view of. */
  readonly into: { readonly traceId: string; readonly spanId: string };
}

export interface Settled {
  /** Sorted by (startedAt, traceId, spanId). `startedAt` of an identity never moves once its span was seen. */
  readonly invocations: readonly Invocation[];
  readonly absorbed: readonly Absorbed[];
}
