/**
 * One span or log record to `SpanFacts`: asks every dialect whose keys are there, strongest first,
 * and lets each fill what is still open. Pure; all of this folder that others call.
 */

import { createHash } from 'node:crypto';
import type { SpanFacts } from '../contract/span-facts.ts';
import { shortId } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import { nearestTimestamp } from '../lib/time.ts';
import { firstText, plain, text } from '../otlp/attributes.ts';
import type { Decoded, OtlpLog, OtlpResource, OtlpScope, OtlpSpan } from '../otlp/model.ts';
import type { LogInput, Reading, SpanInput } from './dialect.ts';
import { errorOf } from './error.ts';
import { markIncomplete } from './incomplete.ts';
import { DIALECTS } from './index.ts';
import { KeyTable } from './key-table.ts';
import { senderOf } from './resource.ts';
import { addServiceTier } from './service-tier.ts';
import { addTokenParts, PART_KEYS } from './token-parts.ts';

const KEY_TABLE = new KeyTable(DIALECTS, PART_KEYS);

/**
 * What a span says. A span that is no dialect's is a `link`, if it has a parent: chains of
 * ancestors run through it. Null when not even that.
 */
export function readSpan(resource: OtlpResource, scope: OtlpScope, span: OtlpSpan): SpanFacts | null {
  const candidates = KEY_TABLE.candidates(scope.name, span.attributes);
  const input: SpanInput = { resource, scope, span };
  // The strongest dialect's reading is what the others fill up.
  let known: Reading = {};
  const understood: string[] = [];
  for (const dialect of candidates.dialects) {
    const reading = dialect.span?.(input, known) ?? null;
    if (reading === null) continue;
    const saysAnything = understood.length === 0 ? isAnything(reading) : fill(known, reading);
    if (!saysAnything) continue;
    if (understood.length === 0) known = reading;
    understood.push(dialect.name);
  }
  if (understood.length === 0) return linkOf(span);
  // It knows a prompt, a conversation or a user, and not what it is: good for the calls below it.
  known.role ??= 'wrapper';
  addWho(known, span);
  if (known.role === 'call') addCallFacts(known, span);
  if (known.role === 'call') addServiceTier(known, span.attributes);
  if (candidates.hasTokenParts && known.role === 'call') addTokenParts(known, span.attributes);
  if (known.role === 'call' && understood.some((name) => TWINNED.has(name))) addTwinKey(known, scope);
  const startNanos = span.startNanos - nanosOf(known.durationMs);
  delete known.durationMs;
  delete known.disbelieved;
  const facts: SpanFacts = Object.assign(known, {
    traceId: span.traceId,
    spanId: span.spanId,
    recordId: '',
    signal: 'span',
    role: known.role,
    parentSpanId: span.parentSpanId,
    startedAt: nearestTimestamp(startNanos),
    dialects: understood,
  } as const);
  if (span.endNanos !== 0n) Object.assign(facts, { endedAt: nearestTimestamp(span.endNanos) });
  // The resource is set by who operates the service, so it outweighs what an SDK calls a project.
  return Object.assign(facts, senderOf(resource));
}

function nanosOf(millis = 0): bigint {
  return BigInt(Math.round(millis * 1_000_000));
}

function linkOf(span: OtlpSpan): SpanFacts | null {
  if (span.parentSpanId === '') return null;
  return {
    ...identity(span.traceId, span.spanId, 'span'),
    role: 'link',
    parentSpanId: span.parentSpanId,
    startedAt: nearestTimestamp(span.startNanos),
    dialects: [],
  };
}

/** Not a call's alone: what is around calls knows whose they are, and it is theirs too. */
function addWho(known: Reading, { attributes }: OtlpSpan): void {
  if (known.conversationId === undefined) {
    const session = text(attributes, 'session.id');
    if (session !== undefined) known.conversationId = session;
  }
  if (known.userId === undefined) {
    const user = firstText(attributes, ['user.id', 'enduser.id', 'enduser.pseudo.id']);
    if (user !== undefined) known.userId = user;
  }
}

function addCallFacts(known: Reading, span: OtlpSpan): void {
  const error = known.error ?? errorOf(span, known);
  if (error !== undefined) known.error = error;
  if (span.droppedAttributes > 0) markIncomplete(known, 'attributes_dropped');
}

/** Instrumentations of frameworks and of clients that report one call from two traces, not always with its id. */
const TWINNED = new Set(['openinference', 'openllmetry', 'langfuse']);

/**
 * The last message and the answer are enough: a twin is only sought among calls of the same moment.
 * Sizes and 16 bits tell such calls apart, and tell nobody what was said where content is redacted.
 */
function addTwinKey(known: Reading, scope: OtlpScope): void {
  if (known.input === undefined || known.output === undefined || known.run !== undefined) return;
  const said = JSON.stringify([known.input.at(-1), known.output]);
  const bits = createHash('sha256').update(said).digest('hex').slice(0, 4);
  known.twinKey = `${known.input.length}.${said.length}.${bits}`;
  known.instrumentation = scope.name;
}

/**
 * Reads the log records of one request, in order. A conversation may say the same twice, and a burst
 * of its messages has one time: what tells equal ones apart is which of them it is. Sent again, a
 * request gives the same ids; equal records in two requests are one record that was sent again.
 */
export class LogReader {
  #sequence = 0;
  /** How often each message was there. */
  readonly #times = new Map<string, number>();

  /** What a record says, or null when it is none of ours. */
  read(resource: OtlpResource, scope: OtlpScope, log: OtlpLog): SpanFacts | null {
    const facts = readLog(resource, scope, log, this.#sequence++);
    // What counts a call or judges one is never said twice on purpose.
    if (facts === null || facts.role !== 'detail') return facts;
    const { traceId, spanId, recordId: id } = facts;
    const key = `${traceId}/${spanId}/${id}`;
    const times = this.#times.get(key) ?? 0;
    this.#times.set(key, times + 1);
    return times === 0 ? facts : { ...facts, recordId: shortId(id, String(times)) };
  }
}

function readLog(resource: OtlpResource, scope: OtlpScope, log: OtlpLog, sequence: number): SpanFacts | null {
  // Where a library fills in the field, as Rust's does with the place in the source, only the attribute names it.
  const eventName = text(log.attributes, 'event.name') ?? log.eventName;
  const input: LogInput = { resource, scope, log, eventName };
  for (const dialect of DIALECTS) {
    const reading = dialect.log?.(input) ?? null;
    if (reading === null) continue;
    if (reading.role === undefined) return null;
    addTokenParts(reading, log.attributes);
    if (reading.role === 'report' || reading.role === 'detail') addServiceTier(reading, log.attributes);
    if (log.droppedAttributes > 0 && reading.role !== 'evaluation') markIncomplete(reading, 'attributes_dropped');
    const { role, durationMs, ...content } = reading;
    return {
      ...identity(log.traceId, log.spanId, 'log'),
      recordId: recordId(log),
      role,
      parentSpanId: '',
      startedAt: nearestTimestamp(log.timeNanos - nanosOf(durationMs)),
      ...(role === 'report' ? { endedAt: nearestTimestamp(log.timeNanos) } : {}),
      dialects: [dialect.name],
      sequence,
      ...senderOf(resource),
      ...content,
    };
  }
  return null;
}

/** All facts of a decoded request of spans. */
export function readSpans(decoded: Decoded<OtlpSpan>): SpanFacts[] {
  const facts: SpanFacts[] = [];
  for (const { resource, scope, items } of decoded.groups) {
    for (const span of items) {
      const read = readSpan(resource, scope, span);
      if (read !== null) facts.push(read);
    }
  }
  return facts;
}

/** All facts of a decoded request of log records. */
export function readLogs(decoded: Decoded<OtlpLog>): SpanFacts[] {
  const facts: SpanFacts[] = [];
  const reader = new LogReader();
  for (const { resource, scope, items } of decoded.groups) {
    for (const log of items) {
      const read = reader.read(resource, scope, log);
      if (read !== null) facts.push(read);
    }
  }
  return facts;
}

function identity(traceId: string, spanId: string, signal: 'span' | 'log') {
  return { traceId, spanId, recordId: '', signal } as const;
}

/** Log records have no id: a resent record is recognised by being equal in all that we know of it. */
function recordId(log: OtlpLog): string {
  const content = [String(log.timeNanos), log.eventName, plain(log.attributes), plain(log.body)];
  return createHash('sha256').update(canonicalJson(content)).digest('hex').slice(0, 16);
}

function isAnything(reading: Reading): boolean {
  for (const key in reading) if (reading[key as keyof Reading] !== undefined) return true;
  return false;
}

/** Fills what `known` leaves open; true when the reading said anything. Tokens and settings are filled kind by kind. */
function fill(known: Reading, reading: Reading): boolean {
  const open = known as Record<string, unknown>;
  let said = false;
  for (const key of Object.keys(reading) as (keyof Reading)[]) {
    const value = reading[key];
    if (value === undefined) continue;
    said = true;
    if (known.disbelieved?.includes(key as keyof SpanFacts) === true) continue;
    const present = open[key];
    if (present === undefined) open[key] = value;
    else if (key === 'tokens' || key === 'settings') open[key] = { ...(value as object), ...(present as object) };
    else if (key === 'incomplete') open[key] = [...new Set([...(present as string[]), ...(value as string[])])];
  }
  return said;
}
