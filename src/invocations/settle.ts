/**
 * The door of this folder: facts about spans and log records to invocations, each call once. Pure,
 * linear in the number of facts, and independent of their order, duplication and arrival; see
 * `settled.ts` for how a caller uses it when facts keep arriving.
 */

import { createHash } from 'node:crypto';
import type { Evaluation, Invocation } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import { type CallGroup, groupAcross, responseIdOf, startOf } from './across.ts';
import { withoutDuplicates } from './duplicates.ts';
import { mergeInvocation } from './merge.ts';
import { precedingPrompts, type PromptIndex, indexPrompts } from './prompts.ts';
import { type MatchedReports, matchReports } from './reports.ts';
import type { Absorbed, Settled, SpanIdentity, UnattachedEvaluation } from './settled.ts';
import { type Trace, type TraceNode, ancestors, buildTrace, compare } from './trace.ts';
import { type CallUnit, findUnits } from './units.ts';

export function settle(facts: Iterable<SpanFacts>): Settled {
  const traces = splitTraces(withoutDuplicates(facts));
  const reports = new Map<Trace, MatchedReports>();
  const prompts = new Map<Trace, PromptIndex>();
  const units: CallUnit[] = [];
  for (const trace of traces) {
    reports.set(trace, matchReports(trace));
    prompts.set(trace, indexPrompts(trace));
    units.push(...findUnits(trace));
  }
  const groups = groupAcross(units);
  const { byGroup, unattached } = attachEvaluations(traces, groups);
  const invocations: Invocation[] = [];
  const absorbed: Absorbed[] = [];
  for (const group of groups) {
    const { owner } = group;
    invocations.push(
      mergeInvocation({
        traceId: owner.trace.traceId,
        spanId: owner.call.spanId,
        ...factsOf(group, reports, prompts),
        evaluations: byGroup.get(group) ?? [],
      }),
    );
    absorbed.push(...absorbedBy(group));
  }
  for (const { calls } of reports.values()) invocations.push(...calls.map(reportedCall));
  return {
    invocations: invocations.toSorted((a, b) => compare(a.startedAt, b.startedAt) || compareIdentity(a, b)),
    absorbed: distinctAbsorbed(absorbed),
    unattached,
  };
}

/**
 * Keys under which other traces may hold reports of the same calls; a fact is worth looking up
 * by any of its own. Store them with the facts, and look up those of facts that arrive.
 */
export function lookupKeys(fact: SpanFacts): readonly string[] {
  const keys: string[] = [];
  if (fact.responseId !== undefined) keys.push(`id:${fact.responseId}`);
  if (fact.twinKey !== undefined) keys.push(`io:${fact.twinKey}`);
  return keys;
}

function splitTraces(facts: readonly SpanFacts[]): Trace[] {
  const byTrace = new Map<string, SpanFacts[]>();
  for (const fact of facts) {
    const list = byTrace.get(fact.traceId);
    if (list === undefined) byTrace.set(fact.traceId, [fact]);
    else list.push(fact);
  }
  return [...byTrace].toSorted(([a], [b]) => compare(a, b)).map(([traceId, list]) => buildTrace(traceId, list));
}

function factsOf(
  { owner, others }: CallGroup,
  reports: ReadonlyMap<Trace, MatchedReports>,
  prompts: ReadonlyMap<Trace, PromptIndex>,
): { readonly facts: readonly SpanFacts[]; readonly context: readonly SpanFacts[] } {
  const facts: SpanFacts[] = [];
  const context: SpanFacts[] = [];
  for (const unit of [owner, ...others]) {
    for (const node of [unit.call, ...unit.views]) {
      if (node.fact !== null && node.fact.role === 'call') facts.push(node.fact);
      facts.push(...node.details);
      const report = reports.get(unit.trace)?.byCall.get(node);
      if (report !== undefined) facts.push(report);
    }
    context.push(...precedingPrompts(prompts.get(unit.trace), unit), ...contextFacts(unit));
  }
  return { facts, context };
}

/** A prompt that was declared above a tool is not the prompt of the calls inside the tool. */
function contextFacts({ context }: CallUnit): SpanFacts[] {
  const facts: SpanFacts[] = [];
  let isInsideTool = false;
  for (const { fact } of context) {
    if (fact === null || fact.role === 'link') continue;
    facts.push(isInsideTool ? withoutPrompt(fact) : fact);
    if (fact.boundary === 'tool') isInsideTool = true;
  }
  // Judgements of what is around a call are not judgements of the call.
  return facts.map((fact) => (fact.evaluations === undefined ? fact : withoutEvaluations(fact)));
}

function withoutPrompt(fact: SpanFacts): SpanFacts {
  const { declared: _declared, template: _template, variables: _variables, ...rest } = fact;
  return rest;
}

function withoutEvaluations(fact: SpanFacts): SpanFacts {
  const { evaluations: _evaluations, ...rest } = fact;
  return rest;
}

function absorbedBy({ owner, others }: CallGroup): Absorbed[] {
  const into: SpanIdentity = { traceId: owner.trace.traceId, spanId: owner.call.spanId };
  const absorbed = (trace: Trace, { spanId }: TraceNode): Absorbed => ({ traceId: trace.traceId, spanId, into });
  return [owner, ...others].flatMap((unit) => [
    ...(unit === owner ? [] : [absorbed(unit.trace, unit.call)]),
    ...unit.views.map((view) => absorbed(unit.trace, view)),
    ...unit.shared.map((outer) => absorbed(unit.trace, outer)),
  ]);
}

/** A span around several calls is absorbed once, into the one with the lowest id. */
function distinctAbsorbed(absorbed: readonly Absorbed[]): Absorbed[] {
  const byIdentity = new Map<string, Absorbed>();
  for (const entry of absorbed.toSorted((a, b) => compareIdentity(a, b) || compareIdentity(a.into, b.into))) {
    const key = `${entry.traceId}/${entry.spanId}`;
    if (!byIdentity.has(key)) byIdentity.set(key, entry);
  }
  return [...byIdentity.values()];
}

function compareIdentity(a: SpanIdentity, b: SpanIdentity): number {
  return compare(a.traceId, b.traceId) || compare(a.spanId, b.spanId);
}

/** A call of which there is only a log record gets an identity made from it. */
function reportedCall(report: SpanFacts): Invocation {
  const digest = createHash('sha256')
    .update(`${report.conversationId ?? ''}/${report.recordId}`)
    .digest('hex');
  return mergeInvocation({
    traceId: report.traceId === '' ? digest.slice(0, 32) : report.traceId,
    spanId: digest.slice(32, 48),
    facts: [report],
    context: [],
    evaluations: [],
  });
}

interface AttachedEvaluations {
  readonly byGroup: ReadonlyMap<CallGroup, readonly Evaluation[]>;
  readonly unattached: readonly UnattachedEvaluation[];
}

/**
 * A judgement names a span: the call itself, or something around it, whose last call made what was
 * judged. Or it names a response id.
 */
function attachEvaluations(traces: readonly Trace[], groups: readonly CallGroup[]): AttachedEvaluations {
  const byGroup = new Map<CallGroup, Evaluation[]>();
  const unattached: UnattachedEvaluation[] = [];
  if (traces.every((trace) => trace.evaluations.length === 0)) return { byGroup, unattached };
  const bySpan = new Map<string, CallGroup>();
  const byResponse = new Map<string, CallGroup>();
  // In order of time, so that the last call under a span or of a response id is what stays.
  for (const group of groups.toSorted(
    (a, b) => compare(startOf(a.owner), startOf(b.owner)) || compareIdentity(idOf(a), idOf(b)),
  )) {
    for (const unit of [group.owner, ...group.others]) {
      for (const node of ancestors(unit.trace, unit.call)) bySpan.set(`${unit.trace.traceId}/${node.spanId}`, group);
      const parent = topOf(unit);
      if (parent !== '') bySpan.set(`${unit.trace.traceId}/${parent}`, group);
      const responseId = responseIdOf(unit);
      if (responseId !== undefined) byResponse.set(responseId, group);
    }
  }
  for (const group of groups) {
    for (const unit of [group.owner, ...group.others]) bySpan.set(`${unit.trace.traceId}/${unit.call.spanId}`, group);
  }
  for (const fact of traces.flatMap((trace) => trace.evaluations)) {
    const group = bySpan.get(`${fact.traceId}/${fact.spanId}`) ?? byResponse.get(fact.responseId ?? '');
    if (group === undefined) unattached.push(...unattachedOf(fact));
    else byGroup.set(group, [...(byGroup.get(group) ?? []), ...(fact.evaluations ?? [])]);
  }
  return { byGroup, unattached };
}

function idOf({ owner }: CallGroup): SpanIdentity {
  return { traceId: owner.trace.traceId, spanId: owner.call.spanId };
}

/** The id of the topmost known span's parent, which is known only by name: a root that says nothing is no fact. */
function topOf(unit: CallUnit): string {
  let top = unit.call;
  for (const node of ancestors(unit.trace, unit.call)) top = node;
  return top.fact?.parentSpanId ?? '';
}

function unattachedOf(fact: SpanFacts): UnattachedEvaluation[] {
  return (fact.evaluations ?? []).map((evaluation) => ({
    traceId: fact.traceId,
    spanId: fact.spanId,
    responseId: fact.responseId ?? null,
    target: fact.evaluationTarget ?? null,
    evaluation,
  }));
}
