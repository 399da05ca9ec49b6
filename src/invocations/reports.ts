/**
 * Log records that report a whole call without its span id (Claude Code's `api_request`). Where
 * the trace has call spans of the same dialect, spans are the calls and a report adds what they
 * lack, its cost; without such spans each report is a call.
 */

import { createHash } from 'node:crypto';
import type { SpanFacts } from '../contract/span-facts.ts';
import type { SpanIdentity } from './settled.ts';
import type { Trace, TraceNode } from './trace.ts';
import { isCall } from './trace.ts';
import { compareText } from '../lib/compare.ts';

export interface MatchedReports {
  /** Reports by the call span that they are about. */
  readonly byCall: ReadonlyMap<TraceNode, SpanFacts>;
  /** Reports that are calls themselves: no span of this trace is of their dialect. */
  readonly calls: readonly SpanFacts[];
}

/** A call of which there is only a log record gets an identity made from it. */
export function reportIdentity(report: SpanFacts): SpanIdentity {
  const digest = createHash('sha256')
    .update(`${report.conversationId ?? ''}/${report.recordId}`)
    .digest('hex');
  return { traceId: report.traceId === '' ? digest.slice(0, 32) : report.traceId, spanId: digest.slice(32, 48) };
}

const NO_REPORTS: MatchedReports = { byCall: new Map(), calls: [] };

export function matchReports(trace: Trace): MatchedReports {
  if (trace.reports.length === 0) return NO_REPORTS;
  const spans = [...trace.nodes.values()]
    .filter(isCall)
    .toSorted((a, b) => compareText(endOf(a), endOf(b)) || compareText(a.spanId, b.spanId));
  const dialects = new Set(spans.flatMap((node) => node.fact?.dialects ?? []));
  const open = new OpenCalls(spans);
  const matched = new Map<SpanFacts, TraceNode>();
  const own = new Set(trace.reports.filter((report) => report.dialects.some((dialect) => dialects.has(dialect))));
  // By id first, so that a report without one can't take the call of a report that has one.
  for (const match of [open.byId, open.byLikeness]) {
    for (const report of own) {
      const node = matched.has(report) ? undefined : match(report);
      if (node !== undefined) matched.set(report, node);
    }
  }
  return {
    byCall: new Map(Array.from(matched, ([report, node]) => [node, report])),
    calls: trace.reports.filter((report) => !own.has(report)),
  };
}

/** Call spans that no report has been found for yet. */
class OpenCalls {
  readonly #byId = new Map<string, TraceNode>();
  readonly #byLikeness = new Map<string, { readonly nodes: TraceNode[]; next: number }>();
  readonly #taken = new Set<TraceNode>();

  constructor(spans: readonly TraceNode[]) {
    for (const node of spans) {
      if (node.fact === null) continue;
      if (node.fact.responseId !== undefined) this.#byId.set(node.fact.responseId, node);
      const key = likeness(node.fact);
      const same = this.#byLikeness.get(key);
      if (same === undefined) this.#byLikeness.set(key, { nodes: [node], next: 0 });
      else same.nodes.push(node);
    }
  }

  readonly byId = ({ responseId }: SpanFacts): TraceNode | undefined =>
    responseId === undefined ? undefined : this.#take(this.#byId.get(responseId));

  /** Spans and reports are in order of time, so the first of equal calls gets the first of equal reports. */
  readonly byLikeness = (report: SpanFacts): TraceNode | undefined => {
    const alike = this.#byLikeness.get(likeness(report));
    if (alike === undefined) return undefined;
    while (alike.next < alike.nodes.length) {
      const node = this.#take(alike.nodes[alike.next++]);
      if (node !== undefined) return node;
    }
    return undefined;
  };

  #take(node: TraceNode | undefined): TraceNode | undefined {
    if (node === undefined || this.#taken.has(node)) return undefined;
    this.#taken.add(node);
    return node;
  }
}

/** What a span and a log record of the same call have in common. */
function likeness({ responseModel, requestModel, tokens }: SpanFacts): string {
  const counts = [tokens?.input, tokens?.output, tokens?.cacheRead, tokens?.cacheWrite].map((count) => count ?? 0);
  return [responseModel ?? requestModel ?? '', ...counts].join('/');
}

function endOf(node: TraceNode): string {
  return node.fact?.endedAt ?? node.fact?.startedAt ?? '';
}
