/**
 * Prompt templates that were rendered beside a call, not around it: LangChain's PROMPT span is the
 * sibling that ended before the call began.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { type Trace, type TraceNode } from './trace.ts';
import { compareText } from '../lib/compare.ts';
import type { CallUnit } from './units.ts';

/** Spans that rendered a template, by their parent, in order of time. */
export type PromptIndex = ReadonlyMap<string, readonly SpanFacts[]>;

const NO_PROMPTS: PromptIndex = new Map();

export function indexPrompts(trace: Trace): PromptIndex {
  // A template that was rendered beside a call takes two spans.
  if (trace.nodes.size < 2) return NO_PROMPTS;
  const index = new Map<string, SpanFacts[]>();
  for (const { fact } of trace.nodes.values()) {
    if (fact === null || fact.role !== 'wrapper' || fact.template === undefined || fact.parentSpanId === '') continue;
    const siblings = index.get(fact.parentSpanId);
    if (siblings === undefined) index.set(fact.parentSpanId, [fact]);
    else siblings.push(fact);
  }
  for (const siblings of index.values()) {
    siblings.sort((a, b) => compareText(a.startedAt, b.startedAt) || compareText(a.spanId, b.spanId));
  }
  return index;
}

/** For the call and each of its views: the last template rendered beside it before it began. */
export function precedingPrompts(index: PromptIndex | undefined, { call, views }: CallUnit): SpanFacts[] {
  if (index === undefined || index.size === 0) return [];
  return [call, ...views].flatMap((node) => lastBefore(index, node) ?? []);
}

function lastBefore(index: PromptIndex, { fact }: TraceNode): SpanFacts | undefined {
  const siblings = fact === null ? undefined : index.get(fact.parentSpanId);
  if (fact === null || siblings === undefined) return undefined;
  let low = 0;
  let high = siblings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((siblings[middle] as SpanFacts).startedAt <= fact.startedAt) low = middle + 1;
    else high = middle;
  }
  return siblings[low - 1];
}
