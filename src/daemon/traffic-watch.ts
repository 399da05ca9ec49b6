/**
 * Looks at recent traffic every half minute: are the calls instances of what is pinned? Gathers what
 * `judgeTraffic` needs and hands on what it says; decides only what is already explained by a
 * target's own incident.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import type { InvocationLog, InvocationRow } from '../contract/invocation-log.ts';
import type { Message } from '../contract/invocation.ts';
import type { Queue } from '../contract/queue.ts';
import type { IncidentLog } from '../contract/store.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { TrafficLog, TrafficRow } from '../contract/traffic-log.ts';
import { ownerOf } from '../drift/expected.ts';
import { judgeTraffic } from '../drift/judge-traffic.ts';
import type { TrafficGroup } from '../drift/traffic-window.ts';
import type { Finding } from '../incidents/lifecycle.ts';
import { addMillis } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import { isUnregistered } from './attribution-desk.ts';
import type { RegistryView } from './registry-view.ts';

export interface TrafficWatchOptions {
  readonly traffic: TrafficLog;
  readonly calls: Pick<InvocationLog, 'list'>;
  readonly incidents: IncidentLog;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => RegistryView;
  /** Registered versions only. */
  readonly attribute: (query: AttributionQuery) => Attribution;
  readonly near: (query: AttributionQuery) => readonly NearMatch[];
  /** When a watched target of this prompt last changed what it holds; null when unknown. */
  readonly lastChange: (prompt: string, environment: string) => Timestamp | null;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

const JOB = 'judge-traffic';
const EVERY_MS = 30_000;
const WINDOW_MS = 30 * 60_000;
/** SDKs cache prompts for a minute; what they send right after a change says nothing about now. */
const SETTLE_MS = 90_000;
const GROUPS_MAX = 5_000;
/** Near matches take milliseconds each. */
const EXAMPLES_MAX = 200;
const TRACE_CALLS_MAX = 100;

/** One window: the calls of one service that belong to one prompt. */
interface Bucket {
  readonly environment: string;
  readonly service: string;
  readonly prompt: string;
  readonly groups: TrafficGroup[];
}

export class TrafficWatch implements Component {
  readonly name = 'traffic-watch';
  readonly #options: TrafficWatchOptions;

  constructor(options: TrafficWatchOptions) {
    this.#options = options;
    options.queue.handle(JOB, 1, () => this.look());
  }

  start(): Promise<void> {
    this.#options.queue.every(JOB, 'all', EVERY_MS, {});
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#options.queue.cancel(JOB, 'all');
    return Promise.resolve();
  }

  /** Judges the traffic of the last half hour once. */
  async look(): Promise<void> {
    const { traffic, clock, registry } = this.#options;
    const until = clock.now();
    const from = addMillis(until, -WINDOW_MS);
    const rows = await traffic.traffic(from, until, GROUPS_MAX);
    if (rows.length === 0) return;
    const explained = await this.#explainedByTargets();
    const findings: Finding[] = [];
    for (const bucket of await this.#buckets(rows)) {
      if (explained.has(`${bucket.environment}\n${bucket.prompt}`)) continue;
      const expected = registry().expected(bucket.prompt, bucket.environment);
      if (expected.versions.length === 0) continue;
      const since = this.#since(bucket, from, expected.pin?.since ?? null);
      const groups = bucket.groups.filter((group) => group.lastAt >= since);
      const judgement = judgeTraffic(expected, { service: bucket.service, from: since, until, groups });
      findings.push({ judgement, owner: ownerOf(expected) });
    }
    await this.#options.onFindings(findings);
  }

  /** What was sent before the last change of a target, or of the pin, was right or wrong about another state. */
  #since(bucket: Bucket, from: Timestamp, pinnedSince: Timestamp | null): Timestamp {
    const changes = [this.#options.lastChange(bucket.prompt, bucket.environment), pinnedSince];
    return changes.reduce<Timestamp>((latest, change) => {
      const settled = change === null ? latest : addMillis(change, SETTLE_MS);
      return settled > latest ? settled : latest;
    }, from);
  }

  /** A prompt whose target has an incident is told about already; its traffic is counted there. */
  async #explainedByTargets(): Promise<ReadonlySet<string>> {
    const { items } = await this.#options.incidents.list({ status: 'unresolved' }, { limit: 1_000 });
    return new Set(
      items
        .filter((incident) => !incident.target.includes(':'))
        .map((incident) => `${incident.environment}\n${incident.prompt}`),
    );
  }

  async #buckets(rows: readonly TrafficRow[]): Promise<readonly Bucket[]> {
    const buckets = new Map<string, Bucket>();
    let examples = 0;
    for (const row of rows) {
      const isClear = row.prompt !== '' && row.version !== '' && !isUnregistered(row.version);
      const groups = isClear
        ? [{ prompt: row.prompt, group: clearGroup(row) }]
        : await this.#lookCloser(row, EXAMPLES_MAX - examples);
      if (!isClear) examples += groups.length;
      for (const { prompt, group } of groups) {
        const key = `${row.environment}\n${row.service}\n${prompt}`;
        const bucket = buckets.get(key) ?? { environment: row.environment, service: row.service, prompt, groups: [] };
        bucket.groups.push(group);
        buckets.set(key, bucket);
      }
    }
    return [...buckets.values()];
  }

  /** Texts that are no registered version: which prompt are they an edit of? Each example stands for its share of the calls. */
  async #lookCloser(
    row: TrafficRow,
    examplesLeft: number,
  ): Promise<readonly { prompt: string; group: TrafficGroup }[]> {
    const examples = row.examples.slice(0, Math.max(0, examplesLeft));
    const share = Math.max(1, Math.floor(row.calls / Math.max(1, examples.length)));
    const groups: { prompt: string; group: TrafficGroup }[] = [];
    for (const { traceId, spanId } of examples) {
      const call = await this.#call(traceId, spanId);
      if (call === null) continue;
      const attribution = this.#attributionOf(call, row);
      const prompt =
        attribution.matches[0]?.prompt ?? attribution.near[0]?.prompt ?? (row.prompt || row.declaredPrompt);
      if (prompt === '') continue;
      const group = {
        ...groupOf(row, attribution),
        calls: share,
        hash: call.promptHash,
        text: instructionText(call.invocation.input),
      };
      groups.push({ prompt, group });
    }
    return groups;
  }

  async #call(traceId: string, spanId: string): Promise<InvocationRow | null> {
    try {
      const { items } = await this.#options.calls.list({ traceId }, { limit: TRACE_CALLS_MAX });
      return items.find((row) => row.invocation.spanId === spanId) ?? null;
    } catch (error) {
      this.#options.log.warn({ error: describeError(error), traceId }, 'a call could not be looked at');
      return null;
    }
  }

  #attributionOf({ invocation }: InvocationRow, row: TrafficRow): Attribution {
    const messages = (invocation.input ?? []).map((message) => ({ role: message.role, content: textOf(message) }));
    const declared =
      row.declaredPrompt === ''
        ? {}
        : { declared: { prompt: row.declaredPrompt, version: row.declaredVersion || undefined } };
    const query: AttributionQuery = { messages, ...declared };
    const attribution = this.#options.attribute(query);
    if (attribution.kind !== 'unknown') return attribution;
    const near = this.#options.near(query);
    return near.length === 0 ? attribution : { ...attribution, kind: 'near', near };
  }
}

/** Calls whose version is known: the stored attribution says it all. */
function clearGroup(row: TrafficRow): TrafficGroup {
  const isContradicted =
    row.declaredPrompt !== '' &&
    row.declaredVersion !== '' &&
    (row.declaredPrompt !== row.prompt || row.declaredVersion !== row.version);
  const isChecked = row.kind === 'declared' || row.kind === 'exact' || row.kind === 'rendered';
  const attribution: Attribution = {
    kind: row.kind,
    matches: isChecked
      ? [{ prompt: row.prompt, version: row.version, model: '', literalBytes: 0, gaps: 0, hash: null, variables: [] }]
      : [],
    near: [],
    contradictsDeclaration: isChecked && isContradicted,
    words: isChecked ? `the texts are compatible with version ${row.version}` : 'the texts could not be checked',
  };
  return groupOf(row, attribution);
}

function groupOf(row: TrafficRow, attribution: Attribution): TrafficGroup {
  return {
    instance: row.instance,
    calls: row.calls,
    firstAt: row.firstAt,
    lastAt: row.lastAt,
    attribution,
    declaredVersion: row.declaredVersion === '' ? null : row.declaredVersion,
    hash: null,
    text: null,
  };
}

function instructionText(input: readonly Message[] | null): string | null {
  const message = input?.find(({ role }) => role === 'system' || role === 'developer') ?? input?.[0];
  return message === undefined ? null : textOf(message);
}

function textOf(message: Message): string {
  return message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
