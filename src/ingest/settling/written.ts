/** What is known to be in the store of the calls of a trace, and how calls are found among it. Pure. */

import { type Invocation, TOKEN_PARTS, type TokenParts } from '../../contract/invocation.ts';
import type { StoredInvocation, StoredPrice } from '../../contract/telemetry-log.ts';
import type { AttributedAs } from './attribution.ts';
import type { TraceState } from './trace-state.ts';

// Most traces have few calls: looking through them is faster than an index.
const UNINDEXED_MAX = 8;

/** What is known to be in the store of one invocation. */
export interface Written extends Omit<StoredInvocation, 'attributed' | 'priced'> {
  readonly attributed: AttributedAs;
  /** By an earlier process, whose prices may have been others; null: by this one, which prices the same anew. */
  readonly priced: StoredPrice | null;
  /**
   * From which call the row was made, of a trace that is settled again and again; see `CallRows`. Null where that is not
   * known, or a text of it was not at hand.
   */
  readonly madeOf: string | null;
}

/** What the call was said to cost and still is, for it has not changed: a price is restated on demand, and for whole periods. */
export function pricedBefore(call: Invocation, before: Written | undefined): StoredPrice | null {
  if (before == null || before.priced === null || before.startedAt !== call.startedAt) return null;
  const { of } = before.priced;
  const isSame =
    of.provider === call.provider &&
    of.requestModel === call.requestModel &&
    of.responseModel === call.responseModel &&
    of.serviceTier === call.serviceTier &&
    Number(of.reportedCostUsd) === Number(call.reportedCostUsd) &&
    KINDS_OF_TOKENS.every((kind) => of.tokens[kind] === call.tokens[kind]) &&
    of.tokens.webSearches === call.tokens.webSearches &&
    haveSameParts(of.tokens.parts, call.tokens.parts);
  return isSame ? before.priced : null;
}

const KINDS_OF_TOKENS = ['input', 'output', 'cacheRead', 'cacheWrite', 'reasoning'] as const;

function haveSameParts(a: TokenParts | undefined, b: TokenParts | undefined): boolean {
  return a === b || TOKEN_PARTS.every((part) => a?.[part] === b?.[part]);
}

/** The call's identity in the strings that the trace has of it anyway; those of `call` can go. */
export function identityIn(
  { key, facts }: TraceState,
  { traceId, spanId, startedAt }: Invocation,
): Pick<Written, 'traceId' | 'spanId' | 'startedAt'> {
  const line = facts.length > UNINDEXED_MAX ? undefined : facts.find((each) => each.spanId === spanId);
  return {
    traceId: traceId === key ? key : traceId,
    spanId: line?.spanId ?? spanId,
    startedAt: line?.startedAt === startedAt ? line.startedAt : startedAt,
  };
}

/**
 * With which trace a call is written. One without a trace of its own stays with that which has it in
 * the store: written with another, this one would take it back.
 */
export function ownersAmong(traces: readonly TraceState[]): (call: Invocation) => TraceState | undefined {
  const byKey = new Map(traces.map((trace) => [trace.key, trace]));
  const byCall = new Map<string, TraceState>();
  for (const trace of traces) {
    for (const { traceId, spanId } of trace.written ?? []) {
      if (!byKey.has(traceId)) byCall.set(`${traceId}/${spanId}`, trace);
    }
  }
  return ({ traceId, spanId }) => byKey.get(traceId) ?? byCall.get(`${traceId}/${spanId}`);
}

/** The one that has this span id. */
export function bySpan(written: readonly Written[]): (spanId: string) => Written | undefined {
  if (written.length <= UNINDEXED_MAX) return (spanId) => written.find((each) => each.spanId === spanId);
  const index = new Map(written.map((each) => [each.spanId, each]));
  return (spanId) => index.get(spanId);
}
