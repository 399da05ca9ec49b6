/** The JSON that others read: snake_case, RFC 3339, fields may be added and never changed. Pure. */

import type { AttributionMatch, Explanation } from '../contract/attribution.ts';
import type { EarlierContent, Incident } from '../contract/incident.ts';
import type { Observation } from '../contract/observation.ts';
import type { Pin, RegisteredVersion } from '../contract/prompt.ts';
import type { RestoreRecord } from '../contract/restore-log.ts';
import type { ActiveAt, Delivery, HeldEntry, LastLook, PageOf, TimelineEntry, UsedEntry } from '../contract/store.ts';
import type { QuarantineEntry } from '../contract/telemetry-log.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Judgement } from '../contract/verdict.ts';
import { displayBody } from '../text/body.ts';
import type { InvocationRow } from '../contract/invocation-log.ts';
import type { VariableSummary } from '../contract/variable-log.ts';
import type { TargetInfo } from './api.ts';

export function list(data: readonly unknown[], nextCursor: string | null = null): object {
  return { data, next_cursor: nextCursor };
}

export function page<Item>(items: PageOf<Item>, shape: (item: Item) => object): object {
  return list(items.items.map(shape), items.nextCursor);
}

export function incidentShape(incident: Incident): object {
  return {
    id: incident.id,
    status: incident.status,
    verdict: incident.verdict,
    severity: incident.severity,
    summary: incident.summary,
    reason: incident.reason,
    prompt: incident.prompt,
    owner: incident.owner,
    environment: incident.environment,
    target: incident.target,
    part: incident.part,
    expected: incident.expected,
    observed: incident.observed,
    diff: incident.diff,
    evidence: incident.evidence,
    opened_at: incident.openedAt,
    updated_at: incident.updatedAt,
    changed_between: incident.changedBetween,
    changed_by: incident.changedBy,
    first_changed_between: incident.firstChangedBetween,
    earlier_contents: incident.earlierContents.map(earlierContentShape),
    resolved_at: incident.resolvedAt,
    resolution: incident.resolution,
    reopened: incident.reopened,
    calm_since: incident.calmSince,
    acknowledged_by: incident.acknowledgedBy,
    snoozed_until: incident.snoozedUntil,
    invocations_affected: incident.invocationsAffected,
  };
}

function earlierContentShape({ content, verdict, version, hash, changedBetween, until }: EarlierContent): object {
  return { content, verdict, version, hash, changed_between: changedBetween, until };
}

export function deliveryShape(delivery: Delivery): object {
  return {
    id: delivery.id,
    incident: delivery.incidentId,
    transition: delivery.transition,
    channel: delivery.channel,
    status: delivery.status,
    attempts: delivery.attempts,
    detail: delivery.detail,
    created_at: delivery.createdAt,
    updated_at: delivery.updatedAt,
  };
}

export function observationShape(observation: Observation): object {
  const common = {
    target: observation.target,
    part: observation.part,
    source: observation.source,
    source_type: observation.sourceType,
    prompt: observation.prompt,
    environment: observation.environment,
    observed_at: observation.observedAt,
    asked_at: observation.askedAt ?? null,
    outcome: observation.outcome,
  };
  if (observation.outcome !== 'held') return { ...common, reason: observation.reason };
  return {
    ...common,
    hash: observation.hashes.strict,
    text: displayBody(observation.body),
    settings: observation.settings,
    pointer: observation.pointer,
    source_version: observation.sourceVersion,
    edited_at: observation.editedAt,
    edited_by: observation.editedBy,
    share: observation.share,
    url: observation.url,
  };
}

export function versionShape(version: RegisteredVersion): object {
  return {
    prompt: version.prompt,
    version: version.version,
    parent: version.parent,
    owner: version.owner,
    tags: version.tags,
    component: version.isComponent,
    components: version.components,
    metrics: version.metrics,
    registry: version.registry,
    origin: version.origin,
    registered_at: version.registeredAt,
    author: version.author,
    variants: version.variants.map((variant) => ({
      model: variant.model,
      format: variant.format,
      hash: variant.hashes.strict,
      text: displayBody(variant.body),
      body: variant.body,
      settings: variant.settings,
    })),
  };
}

export function restoreShape(restore: RestoreRecord): object {
  return {
    id: restore.id,
    target: restore.target,
    prompt: restore.prompt,
    environment: restore.environment,
    begun_at: restore.begunAt,
    ended_at: restore.endedAt,
    by: restore.by,
    reason: restore.reason,
    from: restore.from,
    to: restore.to,
    result: restore.result,
    words: restore.words,
  };
}

export function pinShape(pin: Pin): object {
  return {
    environment: pin.environment,
    version: pin.version,
    hash: pin.hash,
    rule: pin.rule,
    since: pin.since,
    by: pin.by,
  };
}

export function targetShape(
  target: TargetInfo,
  verdicts: readonly { readonly judgement: Judgement; readonly at: Timestamp }[],
  looks: readonly LastLook[],
): object {
  return {
    id: target.id,
    source: target.source,
    type: target.type,
    prompt: target.prompt,
    environment: target.environment,
    every_ms: target.everyMs,
    powers: target.powers,
    verdicts: verdicts.map(({ judgement, at }) => {
      const look = looks.find((candidate) => candidate.part === judgement.part);
      return {
        part: judgement.part,
        verdict: judgement.verdict,
        severity: judgement.severity,
        summary: judgement.summary,
        expected: judgement.expected,
        observed: { version: judgement.observed.version, hash: judgement.observed.hash },
        at,
        looked_at: look?.lookedAt ?? null,
        answered_at: look?.answeredAt ?? null,
      };
    }),
  };
}

function entryShape(entry: TimelineEntry): object {
  return {
    version: entry.version,
    hash: entry.hash,
    text: entry.text,
    from: entry.from,
    until: entry.until,
    evidence: entry.evidence,
  };
}

export function heldShape(entry: HeldEntry): object {
  return { target: entry.target, part: entry.part, state: entry.state, ...entryShape(entry) };
}

export function usedShape(entry: UsedEntry): object {
  return { service: entry.service, invocations: entry.invocations, ...entryShape(entry) };
}

export function timelineShape(timeline: {
  readonly intended: readonly TimelineEntry[];
  readonly held: readonly HeldEntry[];
  readonly used: readonly UsedEntry[];
  readonly callsKeptSince: Timestamp | null;
}): object {
  return {
    intended: timeline.intended.map(entryShape),
    held: timeline.held.map(heldShape),
    used: timeline.used.map(usedShape),
    calls_kept_since: timeline.callsKeptSince,
  };
}

export function activeAtShape(answer: ActiveAt): object {
  return {
    prompt: answer.prompt,
    environment: answer.environment,
    time: answer.time,
    known_at: answer.knownAt,
    intended: answer.intended === null ? null : entryShape(answer.intended),
    held: answer.held.map(heldShape),
    used: answer.used.map(usedShape),
    calls_kept_since: answer.callsKeptSince,
    next_cursor: answer.heldNextCursor,
  };
}

export function quarantineShape(entry: QuarantineEntry, withContent: boolean): object {
  const { id, at, kind, lane, reason, status, payload } = entry;
  return { id, at, kind, table: lane, reason, status, ...(withContent ? { payload } : {}) };
}

export function attributionShape({ attribution, matches, competing }: Explanation): object {
  const { kind, words, contradictsDeclaration, near, tie = null } = attribution;
  return {
    kind,
    words,
    contradicts_declaration: contradictsDeclaration,
    matches: attribution.matches.map((match, index) => ({
      ...matchShape(match),
      variables: match.variables,
      // Of the first ones: each repeats the text.
      messages: matches[index]?.messages.map((pieces) => ({ pieces })) ?? null,
      settings_differences: matches[index]?.settings ?? null,
    })),
    tie: tie === null ? null : { because: tie.because, others: tie.others.map(matchShape) },
    competing: competing.map(matchShape),
    near: near.map((each) => ({
      prompt: each.prompt,
      version: each.version,
      model: each.model,
      edited_bytes: each.editedBytes,
      diff: each.diff,
    })),
  };
}

function matchShape({ prompt, version, model, literalBytes, gaps, hash }: AttributionMatch): object {
  return { prompt, version, model, literal_bytes: literalBytes, gaps, hash };
}

export function variablesShape(
  prompt: string,
  { from, to }: { readonly from: Timestamp; readonly to: Timestamp },
  summary: VariableSummary,
): object {
  return {
    prompt,
    from,
    to,
    calls: summary.calls,
    calls_with_variables: summary.callsWithVariables,
    calls_looked_at: summary.callsLookedAt,
    ...list(summary.variables),
  };
}

export function invocationShape(row: InvocationRow): object {
  const call = row.invocation;
  return {
    trace_id: call.traceId,
    span_id: call.spanId,
    started_at: call.startedAt,
    ended_at: call.endedAt,
    service: call.service,
    instance: call.instance,
    environment: call.environment,
    operation: call.operation,
    provider: call.provider,
    request_model: call.requestModel,
    response_model: call.responseModel,
    service_tier: call.serviceTier,
    response_id: call.responseId,
    conversation_id: call.conversationId,
    user_id: call.userId,
    prompt: row.prompt,
    version: row.version,
    owner: row.owner,
    attribution: row.attribution,
    prompt_hash: row.promptHash,
    declared: call.declared,
    input: call.input,
    output: call.output,
    finish_reasons: call.finishReasons,
    input_tokens: call.tokens.input,
    output_tokens: call.tokens.output,
    cache_read_tokens: call.tokens.cacheRead,
    cache_write_tokens: call.tokens.cacheWrite,
    reasoning_tokens: call.tokens.reasoning,
    token_parts: call.tokens.parts ?? {},
    web_searches: call.tokens.webSearches ?? 0,
    cost_usd: row.costUsd,
    price: row.priceId,
    first_token_ms: call.firstTokenMs,
    error: call.error,
    evaluations: call.evaluations.map(({ by = null, id = null, ...said }) => ({ ...said, by, id })),
    incomplete: call.incomplete,
    dialects: call.dialects,
  };
}
