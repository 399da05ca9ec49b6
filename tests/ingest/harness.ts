/** A whole ingest on a real embedded store, for tests: bytes in, questions out. */

import { randomBytes } from 'node:crypto';
import { type InvocationLog } from '../../src/contract/invocation-log.ts';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { TextLog } from '../../src/contract/store.ts';
import { KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { Entrance, type EntranceOptions } from '../../src/ingest/entrance.ts';
import { Ingest, type IngestOptions } from '../../src/ingest/ingest.ts';
import type { IngestLimits } from '../../src/ingest/limits.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { createTelemetryLog } from '../../src/store/telemetry/telemetry-log.ts';
import { createTextLog } from '../../src/store/text-log.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const FAST: Partial<IngestLimits> = {
  lingerMs: 100,
  quietMs: 50,
  provisionalMs: 200,
  roundEveryMs: 50,
  retainMs: 60_000,
  storeBackoffMs: 5,
  storeBackoffMaxMs: 50,
};

export interface OpenStore {
  readonly database: Database;
  readonly texts: TextLog;
  readonly telemetry: TelemetryLog;
  readonly invocations: InvocationLog;
}

export async function openStore(path = tempDirectory()): Promise<OpenStore> {
  const database = await openDatabase({ path }, '0.0.0-test', systemClock);
  await migrate(database, systemClock);
  const texts = createTextLog(database);
  return {
    database,
    texts,
    telemetry: createTelemetryLog(database),
    invocations: createInvocationLog(database, texts),
  };
}

/** With its entrance, as in a daemon that stops. */
class WholeIngest extends Ingest {
  readonly #entrance: Entrance;

  constructor(options: IngestOptions) {
    super(options);
    this.#entrance = options.entrance;
  }

  override async stop(deadlineMs: number): Promise<void> {
    await super.stop(deadlineMs);
    await this.#entrance.close();
  }
}

/** Of the ingest and its entrance; what is left out is as a test wants it. */
export type TestIngestOptions = Partial<IngestOptions & EntranceOptions>;

export function createIngest(telemetry: TelemetryLog, options: TestIngestOptions = {}): Ingest {
  const shared = {
    clock: systemClock,
    onError: (error: unknown): void => {
      throw error;
    },
    ...options,
  };
  const entrance = new Entrance({
    dataDirectory: tempDirectory(),
    policies: KEEP_EVERYTHING,
    ...shared,
    limits: { ...FAST, ...options.limits },
  });
  return new WholeIngest({
    entrance,
    log: telemetry,
    horizon: new KnowledgeHorizon(systemClock),
    attribute: () => ({ kind: 'unknown', prompt: null, version: null, owner: null }),
    price: createPriceBook([]),
    ...shared,
  });
}

/** Has an ingest of its own while it works. */
export async function withIngest(
  telemetry: TelemetryLog,
  options: TestIngestOptions,
  work: (ingest: Ingest) => Promise<void>,
): Promise<void> {
  const ingest = createIngest(telemetry, options);
  await ingest.start();
  try {
    await work(ingest);
  } finally {
    await ingest.stop(5_000);
  }
}

/** Sends spans in one request, which must be taken. */
export async function send(ingest: Ingest, ...spans: readonly SpanDraft[]): Promise<void> {
  const { outcome } = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
  if (outcome !== 'durable') throw new Error(`The spans were not taken: ${outcome}.`);
}

export interface SpanDraft {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly service?: string;
  readonly instance?: string;
  readonly environment?: string;
  /** Name of the instrumentation. */
  readonly scope?: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export function hexId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** One OTLP/JSON body. */
export function tracesBody(spans: readonly SpanDraft[]): Buffer {
  const resourceSpans = spans.map((span) => ({
    resource: {
      attributes: keyValues({
        'service.name': span.service ?? 'shop',
        'service.instance.id': span.instance ?? 'shop-1',
        'deployment.environment.name': span.environment ?? 'production',
      }),
    },
    scopeSpans: [{ scope: { name: span.scope ?? 'test' }, spans: [jsonSpan(span)] }],
  }));
  return Buffer.from(JSON.stringify({ resourceSpans }));
}

export interface LogDraft {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly timeMs: number;
  readonly eventName: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly body?: Readonly<Record<string, string | number>>;
}

/** One OTLP/JSON body of log records. */
export function logsBody(logs: readonly LogDraft[]): Buffer {
  const logRecords = logs.map(({ traceId = '', spanId = '', timeMs, eventName, attributes = {}, body = {} }) => ({
    traceId,
    spanId,
    timeUnixNano: `${timeMs}000000`,
    eventName,
    attributes: keyValues(attributes),
    body: { kvlistValue: { values: keyValues(body) } },
  }));
  const resource = { attributes: keyValues({ 'service.name': 'shop' }) };
  return Buffer.from(
    JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'test' }, logRecords }] }] }),
  );
}

function jsonSpan(span: SpanDraft): object {
  const startMs = span.startMs ?? Date.now() - 1_000;
  return {
    traceId: span.traceId ?? hexId(16),
    spanId: span.spanId ?? hexId(8),
    parentSpanId: span.parentSpanId ?? '',
    name: span.name ?? 'chat gpt-4o',
    kind: 3,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + (span.durationMs ?? 500)}000000`,
    attributes: keyValues(span.attributes ?? {}),
    status: {},
  };
}

function keyValues(attributes: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: valueOf(value),
  }));
}

function valueOf(value: string | number): object {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Attributes of one chat call of the newest semantic conventions. */
export function chatAttributes(
  system: string,
  messages: readonly { role: string; text: string }[],
  answer: string,
  extra: Readonly<Record<string, string | number>> = {},
): Record<string, string | number> {
  const textMessage = (role: string, content: string): object => ({ role, parts: [{ type: 'text', content }] });
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.model': 'gpt-4o-2024-08-06',
    'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: system }]),
    'gen_ai.input.messages': JSON.stringify(messages.map(({ role, text }) => textMessage(role, text))),
    'gen_ai.output.messages': JSON.stringify([{ ...textMessage('assistant', answer), finish_reason: 'stop' }]),
    'gen_ai.usage.input_tokens': 42,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.usage.cache_read.input_tokens': 16,
    ...extra,
  };
}

/** Asks until the answer is as wanted, or the time is over: then it is what was answered last. */
export async function eventually<Result>(
  ask: () => Promise<Result>,
  isRight: (result: Result) => boolean,
  timeoutMs = 60_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await ask();
    if (isRight(result) || Date.now() > deadline) return result;
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
}
