/**
 * Log records that report a whole call without its span id (Claude Code's `api_request`). Where
 * the trace has call spans of the same dialect, spans are the calls and a report adds what they
 * lack, its cost; without such spans each report is a call.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import type { Trace, TraceNode } from './trace.ts';
import { compare, isCall } from './trace.ts';

export interface MatchedReports {
  /** Reports by the call span that they are about. */
  readonly byCall: ReadonlyMap<TraceNode, SpanFacts>;
  /** Reports that are calls themselves. */
  readonly calls: readonly SpanFacts[];
  /** Reports that are none, because spans are the calls of this trace; with their span, if it is known yet. */
  readonly covered: readonly { readonly report: SpanFacts; readonly node: TraceNode | null }[];
}

export function matchReports(trace: Trace): MatchedReports {
  const byCall = new Map<TraceNode, SpanFacts>();
  const calls: SpanFacts[] = [];
  const covered: { readonly report: SpanFacts; readonly node: TraceNode | null }[] = [];
  if (trace.reports.length === 0) return { byCall, calls, covered };
  const spans = [...trace.nodes.values()]
    .filter(isCall)
    .toSorted((a, b) => compare(endOf(a), endOf(b)) || compare(a.spanId, b.spanId));
  const dialects = new Set(spans.flatMap((node) => node.fact?.dialects ?? []));
  const open = new Map<string, TraceNode[]>();
  for (const node of spans) {
    if (node.fact === null) continue;
    const key = likeness(node.fact);
    const same = open.get(key);
    if (same === undefined) open.set(key, [node]);
    else same.push(node);
  }
  // Both lists are in order of time, so the first of equal calls gets the first of equal reports.
  for (const report of trace.reports) {
    if (!report.dialects.some((dialect) => dialects.has(dialect))) calls.push(report);
    else {
      const node = open.get(likeness(report))?.shift() ?? null;
      covered.push({ report, node });
      if (node !== null) byCall.set(node, report);
    }
  }
  return { byCall, calls, covered };
}

/** What a span and a log record of the same call have in common. */
function likeness({ responseModel, requestModel, tokens }: SpanFacts): string {
  const counts = [tokens?.input, tokens?.output, tokens?.cacheRead, tokens?.cacheWrite].map((count) => count ?? 0);
  return [responseModel ?? requestModel ?? '', ...counts].join('/');
}

function endOf(node: TraceNode): string {
  return node.fact?.endedAt ?? node.fact?.startedAt ?? '';
}
