/**
 * The door of this folder: facts about spans and log records to invocations, each call once. Pure,
 * linear in the number of facts, and independent of their order, duplication and arrival; see
 * `settled.ts` for how a caller uses it when facts keep arriving.
 */

import type { Evaluation, Invocation } from '../contract/invocation.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import { resultOf, type Steps } from '../lib/steps.ts';
import { type CallGroup, groupAcross } from './across.ts';
import { withoutDuplicates } from './duplicates.ts';
import { attachEvaluations } from './evaluations.ts';
import { mergeInvocation } from './merge.ts';
import { precedingPrompts, type PromptIndex, indexPrompts } from './prompts.ts';
import { type MatchedReports, matchReports, reportIdentity } from './reports.ts';
import type { Settled } from './settled.ts';
import { withoutToldSums } from './sums.ts';
import { type Trace, buildTrace, factsOfNode } from './trace.ts';
import { compareText } from '../lib/compare.ts';
import { type CallUnit, compareIdentity, findUnits, identityOf } from './units.ts';

export function settle(facts: readonly SpanFacts[]): Settled {
  return resultOf(settleInSteps(facts));
}

// Each takes 10 us or so.
const MERGED_PER_STEP = 200;

/** The same, for many facts: it may stop after each step. */
export function* settleInSteps(facts: readonly SpanFacts[]): Steps<Settled> {
  const [only] = facts;
  // Most calls are reported by one span alone: nothing is around it, and nothing else tells of it.
  if (facts.length === 1 && only?.role === 'call') return { invocations: [soleCall(only)] };
  const traces = splitTraces(withoutToldSums(withoutDuplicates(facts)));
  const reports = new Map<Trace, MatchedReports>();
  const prompts = new Map<Trace, PromptIndex>();
  const units: CallUnit[] = [];
  for (const trace of traces) {
    reports.set(trace, matchReports(trace));
    prompts.set(trace, indexPrompts(trace));
    for (const unit of findUnits(trace)) units.push(unit);
    yield;
  }
  const groups = groupAcross(units);
  yield;
  const reported = [...reports.values()].flatMap(({ calls }) => calls);
  const judged = attachEvaluations(traces, groups, reported);
  const invocations: Invocation[] = [];
  for (const group of groups) {
    const about = factsOf(group, reports, prompts);
    invocations.push(
      mergeInvocation({ ...identityOf(group.owner), ...about, evaluations: judged.get(group) ?? NOTHING }),
    );
    if (invocations.length % MERGED_PER_STEP === 0) yield;
  }
  for (const report of reported) invocations.push(reportedCall(report, judged.get(report) ?? NOTHING));
  if (invocations.length > 1) {
    invocations.sort((a, b) => compareText(a.startedAt, b.startedAt) || compareIdentity(a, b));
  }
  return { invocations };
}

const NOTHING: readonly never[] = [];

function soleCall(fact: SpanFacts): Invocation {
  const { traceId, spanId } = fact;
  return mergeInvocation({ traceId, spanId, facts: [fact], context: NOTHING, evaluations: NOTHING });
}

const NO_KEYS: readonly string[] = [];

/**
 * Keys under which other traces may hold reports of the same calls; a fact is worth looking up
 * by any of its own. Store them with the facts, and look up those of facts that arrive.
 */
export function lookupKeys(fact: SpanFacts): readonly string[] {
  const { responseId } = fact;
  const twin = twinOf(fact);
  if (responseId === undefined && twin === undefined) return NO_KEYS;
  if (twin === undefined) return [`id:${responseId}`];
  return responseId === undefined ? [`io:${twin}`] : [`id:${responseId}`, `io:${twin}`];
}

/** What others that tell of the same have at about the same time: what was said, or the name of the run. */
export function twinOf({ twinKey, run }: SpanFacts): string | undefined {
  return run === undefined || run === '' ? twinKey : run;
}

function splitTraces(facts: readonly SpanFacts[]): Trace[] {
  const [first] = facts;
  if (first === undefined) return [];
  if (facts.every(({ traceId }) => traceId === first.traceId)) return [buildTrace(first.traceId, facts)];
  const byTrace = Map.groupBy(facts, ({ traceId }) => traceId);
  return [...byTrace].toSorted(([a], [b]) => compareText(a, b)).map(([traceId, list]) => buildTrace(traceId, list));
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
      facts.push(...factsOfNode(node));
      const report = reports.get(unit.trace)?.byCall.get(node);
      if (report !== undefined) facts.push(report);
    }
    context.push(...precedingPrompts(prompts.get(unit.trace), unit), ...contextFacts(unit));
  }
  return { facts, context };
}

/**
 * A prompt that was declared above a tool is not the prompt of the calls inside the tool, and what
 * goes into an agent or tool is not what goes into calls of those inside it. Both hold for a call
 * that was made inside of another.
 */
function contextFacts({ context, within }: CallUnit): SpanFacts[] {
  const facts: SpanFacts[] = [];
  let [isInsideTool, isInsideOther] = [false, false];
  for (const node of context) {
    const { fact } = node;
    if (node === within) [isInsideTool, isInsideOther] = [true, true];
    if (fact === null || fact.role === 'link') continue;
    const known = fact.role === 'call' || isInsideOther ? withoutContent(fact) : fact;
    facts.push(isInsideTool ? withoutPrompt(known) : known);
    if (fact.boundary === 'tool') isInsideTool = true;
    if (fact.boundary !== undefined) isInsideOther = true;
  }
  // Judgements of what is around a call are not judgements of the call.
  return facts.map((fact) => (fact.evaluations === undefined ? fact : withoutEvaluations(fact)));
}

function withoutContent(fact: SpanFacts): SpanFacts {
  if (fact.input === undefined && fact.system === undefined) return fact;
  const { input: _input, system: _system, ...rest } = fact;
  return rest;
}

function withoutPrompt(fact: SpanFacts): SpanFacts {
  const { declared: _declared, template: _template, variables: _variables, ...rest } = fact;
  return rest;
}

function withoutEvaluations(fact: SpanFacts): SpanFacts {
  const { evaluations: _evaluations, ...rest } = fact;
  return rest;
}

function reportedCall(report: SpanFacts, evaluations: readonly Evaluation[]): Invocation {
  return mergeInvocation({ ...reportIdentity(report), facts: [report], context: [], evaluations });
}
