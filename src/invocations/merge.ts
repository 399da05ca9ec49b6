/**
 * Facts about one call, strongest first, to one invocation. The first that knows a thing is
 * believed; nothing is summed.
 */

import type { Evaluation, IncompleteReason, Invocation, Message, TokenUsage } from '../contract/invocation.ts';
import type { PromptSettings } from '../contract/prompt.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import { isInstructing } from '../text/roles.ts';
import { isInputWhole, isNothing, mergeTokens } from './tokens.ts';
import { compareText } from '../lib/compare.ts';

interface MergeInput {
  readonly traceId: string;
  readonly spanId: string;
  /** About this very call, innermost first; at least one. */
  readonly facts: readonly SpanFacts[];
  /** About what is around it, nearest first: only prompt, conversation, user and sender are taken. */
  readonly context: readonly SpanFacts[];
  /** Of records, in the order in which they were made. */
  readonly evaluations: readonly Evaluation[];
}

export function mergeInvocation(input: MergeInput): Invocation {
  const { facts, context } = input;
  const [own] = facts as readonly [SpanFacts, ...SpanFacts[]];
  const all = context.length === 0 ? facts : [...facts, ...context];
  const messages = mergeInput(facts, context);
  const output = joined(facts, 'output');
  const error = mergeError(facts);
  const counted = mergeTokens(facts);
  // A call that failed may have used nothing.
  const tokens = error === null && isNothing(counted) ? NOT_COUNTED : counted;
  const template = all.find((fact) => fact.template !== undefined);
  return {
    traceId: input.traceId,
    spanId: input.spanId,
    startedAt: own.startedAt,
    endedAt: own.endedAt ?? null,
    ...mergeSender(facts, context),
    operation: first(facts, 'operation') ?? 'other',
    provider: first(facts, 'provider') ?? '',
    requestModel: first(facts, 'requestModel') ?? '',
    responseModel: first(facts, 'responseModel') ?? '',
    serviceTier: first(facts, 'serviceTier') ?? '',
    responseId: first(facts, 'responseId') ?? null,
    conversationId: first(all, 'conversationId') ?? null,
    userId: first(all, 'userId') ?? null,
    declared: first(all, 'declared') ?? null,
    template: template?.template ?? null,
    variables: template?.variables ?? first(all, 'variables') ?? null,
    input: messages,
    output,
    settings: mergeSettings(facts),
    finishReasons: joined(facts, 'finishReasons') ?? [],
    tokens,
    reportedCostUsd: first(facts, 'reportedCostUsd') ?? null,
    firstTokenMs: first(facts, 'firstTokenMs') ?? null,
    error,
    evaluations: mergeEvaluations(all, input.evaluations),
    incomplete: incompleteReasons(facts, {
      tokens,
      hasMessages: hasMessages(messages),
      error,
      isOpen: own.endedAt === undefined,
    }),
    dialects: facts.length === 1 ? own.dialects : [...new Set(facts.flatMap((fact) => fact.dialects))],
  };
}

function first<Key extends keyof SpanFacts>(facts: readonly SpanFacts[], key: Key): SpanFacts[Key] | undefined {
  for (const fact of facts) if (fact[key] !== undefined) return fact[key];
  return undefined;
}

type ListField = 'input' | 'output' | 'finishReasons';

/**
 * A list field: the first span's that has one; a span's own list before what log records say about
 * it, and the lists of several log records of one span one after the other.
 */
function joined<Key extends ListField>(facts: readonly SpanFacts[], key: Key): NonNullable<SpanFacts[Key]> | null {
  if (facts.length === 1) return facts[0]?.[key] ?? null;
  const found = facts.find((fact) => fact[key] !== undefined);
  if (found === undefined) return null;
  const sameSpan = facts.filter((fact) => fact.spanId === found.spanId && fact[key] !== undefined);
  const whole = sameSpan.find((fact) => fact.signal === 'span') ?? sameSpan.find(isWhole);
  if (whole !== undefined) return whole[key] ?? null;
  return sameSpan.flatMap((fact): readonly unknown[] => fact[key] ?? []) as unknown as NonNullable<SpanFacts[Key]>;
}

/** A details event holds everything; a message event holds one message. */
function isWhole(fact: SpanFacts): boolean {
  return fact.provider !== undefined || fact.requestModel !== undefined;
}

/** System instructions first, unless the messages repeat them. */
function mergeInput(facts: readonly SpanFacts[], context: readonly SpanFacts[]): readonly Message[] | null {
  // Dialects let wrappers speak of content only where it is surely that of the calls inside.
  const input = joined(facts, 'input') ?? first(context, 'input') ?? null;
  const system = systemOf(facts) ?? first(context, 'system');
  if (input === null) return first(facts, 'system') ?? null;
  if (system === undefined) return input;
  const others = input.filter((message) => message.role !== 'user');
  if (others.length === 0) return [...system, ...input];
  const said = new Set(others.flatMap((message) => [textOf(message), ...textsOf(message)]));
  said.add(
    others
      .filter(({ role }) => isInstructing(role))
      .map(textOf)
      .join('\n'),
  );
  const missing = system.filter((message) => !isSaid(message, said));
  return missing.length === 0 ? input : [...missing, ...input];
}

/** Kept apart, or at the head of the messages of a report that has them all. */
function systemOf(facts: readonly SpanFacts[]): readonly Message[] | undefined {
  for (const { system, input } of facts) {
    if (system !== undefined) return system;
    const head = input?.filter(({ role }) => isInstructing(role)) ?? [];
    if (head.length > 0) return head;
  }
  return undefined;
}

/** As one text or part by part: what is one message of several parts beside the messages may be several among them. */
function isSaid(message: Message, said: ReadonlySet<string>): boolean {
  if (said.has(textOf(message))) return true;
  const texts = textsOf(message);
  return texts.length > 0 && texts.every((text) => said.has(text));
}

function textOf(message: Message): string {
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

function textsOf({ parts }: Message): string[] {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

const NO_SETTINGS: PromptSettings = {};

function mergeSettings(facts: readonly SpanFacts[]): PromptSettings {
  if (facts.length === 1) return facts[0]?.settings ?? NO_SETTINGS;
  return Object.assign({}, ...facts.map((fact) => fact.settings ?? {}).toReversed()) as PromptSettings;
}

/**
 * The service that made the call is the outermost that reported it: inside may be a gateway, or
 * the provider's own servers. The three belong together, so they come from one span where possible.
 */
function mergeSender(
  facts: readonly SpanFacts[],
  context: readonly SpanFacts[],
): Pick<Invocation, 'service' | 'instance' | 'environment'> {
  const candidates = facts.length === 1 && context.length === 0 ? facts : [...facts.toReversed(), ...context];
  const sender = candidates.find((fact) => fact.service !== undefined);
  const own =
    sender === undefined || candidates.length === 1
      ? candidates
      : candidates.filter((fact) => fact.service === sender.service);
  return {
    service: sender?.service ?? '',
    instance: first(own, 'instance') ?? '',
    environment: first(own, 'environment') ?? first(candidates, 'environment') ?? '',
  };
}

/** A call that answered did not fail, even if what was around it did. */
function mergeError(facts: readonly SpanFacts[]): Invocation['error'] {
  if (facts.every((fact) => fact.error === undefined)) return null;
  const failed = facts.filter((fact) => fact.error !== undefined);
  const [own] = facts;
  const answered =
    own?.error === undefined && facts.some((fact) => fact.output !== undefined || fact.tokens?.output !== undefined);
  if (answered) return null;
  const errors = failed.flatMap((fact) => fact.error ?? []);
  const type = errors.find((error) => error.type !== 'error')?.type ?? 'error';
  return { type, message: errors.find((error) => error.message !== '')?.message ?? '' };
}

function mergeEvaluations(facts: readonly SpanFacts[], attached: readonly Evaluation[]): readonly Evaluation[] {
  const own = facts.some((fact) => fact.evaluations !== undefined)
    ? facts.flatMap((fact) => fact.evaluations ?? [])
    : [];
  const evaluations = own.length === 0 ? attached : [...own, ...attached];
  if (evaluations.length === 0) return evaluations;
  const distinct = new Map(evaluations.map((item) => [judgementKey(item), item]));
  return [...distinct.values()]
    .filter(({ withdrawn }) => withdrawn !== true)
    .map((item) => [contentOf(item), item] as const)
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([, item]) => item);
}

/** What one judge says later takes the place of what they said; where nobody says who judged, equal ones are one. */
function judgementKey(item: Evaluation): string {
  if (item.id !== undefined) return JSON.stringify([item.name, 'id', item.id]);
  return item.by === undefined ? contentOf(item) : JSON.stringify([item.name, 'by', item.by]);
}

function contentOf({ name, score, label, explanation, id, by }: Evaluation): string {
  const judge = id === undefined && by === undefined ? [] : [id ?? null, by ?? null];
  return JSON.stringify([name, score, label, explanation, ...judge]);
}

interface Found {
  readonly tokens: TokenUsage;
  readonly hasMessages: boolean;
  readonly error: Invocation['error'];
  readonly isOpen: boolean;
}

function hasMessages(input: readonly Message[] | null): boolean {
  return input?.some(({ role }) => !isInstructing(role)) === true;
}

const NOT_COUNTED: TokenUsage = { input: null, output: null, cacheRead: null, cacheWrite: null, reasoning: null };
const COMPLETE: readonly IncompleteReason[] = [];
const REASON_ORDER: readonly IncompleteReason[] = [
  'attributes_dropped',
  'content_not_captured',
  'content_truncated',
  'usage_not_reported',
  'usage_without_cache',
  'still_open',
];

function incompleteReasons(facts: readonly SpanFacts[], found: Found): readonly IncompleteReason[] {
  const reasons = new Set<IncompleteReason>();
  for (const { incomplete } of facts)
    if (incomplete !== undefined) for (const reason of incomplete) reasons.add(reason);
  // Instructions alone are sent even by emitters that were told to send no content.
  if (!found.hasMessages) reasons.add('content_not_captured');
  const hasUsage = found.tokens.input !== null || found.tokens.output !== null;
  // A call that failed used nothing that anybody would report.
  if (!hasUsage && found.error === null) reasons.add('usage_not_reported');
  if (reasons.has('usage_without_cache') && isInputWhole(facts)) reasons.delete('usage_without_cache');
  if (found.isOpen) reasons.add('still_open');
  return reasons.size === 0 ? COMPLETE : REASON_ORDER.filter((reason) => reasons.has(reason));
}
