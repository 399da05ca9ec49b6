/**
 * How soon a call can be seen in the store after its span was acknowledged: of traffic in many traces, of a trace
 * that gets thousands of spans a second, of a large one that goes on, and of one of which two replicas get a part
 * each. Replicas, store and sender are all in this process, so what is measured is more than what users wait for.
 *
 * `npm run bench -- visible [--case NAME] [--json]`
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEEP_EVERYTHING } from '../src/ingest/content/policy.ts';
import { isWorthAThread } from '../src/ingest/drafting/drafter-in-thread.ts';
import { Entrance } from '../src/ingest/entrance.ts';
import { Ingest } from '../src/ingest/ingest.ts';
import { KnowledgeHorizon } from '../src/lib/knowledge-horizon.ts';
import { systemClock } from '../src/lib/time.ts';
import { createPriceBook } from '../src/pricing/price-book.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { migrate } from '../src/store/migrate.ts';
import type { Database } from '../src/store/database.ts';
import { createTelemetryLog } from '../src/store/telemetry/telemetry-log.ts';
import { chatAttributes, hexId, tracesBody, type SpanDraft } from '../tests/ingest/harness.ts';
import { textAfter } from './shared/arguments.ts';

/** What is sent in one second. */
interface Second {
  readonly spans: number;
  readonly into: 'new traces' | 'one trace' | 'earlier traces';
}

interface Case {
  readonly name: string;
  readonly replicas: number;
  readonly seconds: readonly Second[];
  /** Of what is sent before that only the end is waited for. */
  readonly measuredFrom: number;
}

const usual = (spans: number): Second => ({ spans, into: 'new traces' });
const intoOne = (spans: number): Second => ({ spans, into: 'one trace' });
const late = (spans: number): Second => ({ spans, into: 'earlier traces' });
const pause: Second = { spans: 0, into: 'new traces' };
const during = (count: number, second: Second): Second[] => Array.from({ length: count }, () => second);

// Until a settled trace is no longer in memory.
const FORGOTTEN_AFTER_S = 40;

const CASES: readonly Case[] = [
  { name: 'many traces, 1,500 spans/s', replicas: 1, seconds: during(15, usual(1_500)), measuredFrom: 5 },
  { name: 'many traces, as fast as they are taken', replicas: 1, seconds: during(6, usual(20_000)), measuredFrom: 2 },
  { name: 'many traces, two replicas', replicas: 2, seconds: during(15, usual(1_500)), measuredFrom: 5 },
  { name: 'one trace, 1,000 spans/s', replicas: 1, seconds: during(15, intoOne(1_000)), measuredFrom: 0 },
  { name: 'one trace, 5,000 spans/s', replicas: 1, seconds: during(3, intoOne(5_000)), measuredFrom: 0 },
  { name: 'one trace, 4,000 spans/s for long', replicas: 1, seconds: during(20, intoOne(4_000)), measuredFrom: 0 },
  { name: 'one trace, 10,000 spans/s', replicas: 1, seconds: during(2, intoOne(10_000)), measuredFrom: 0 },
  { name: 'one trace, 5,000 spans/s, two replicas', replicas: 2, seconds: during(3, intoOne(5_000)), measuredFrom: 0 },
  ...[1, 2].map((replicas) => ({
    name: `one trace of 12,000, 200 spans/s, replicas: ${replicas}`,
    replicas,
    seconds: [...during(6, intoOne(2_000)), ...during(30, intoOne(200))],
    measuredFrom: 6,
  })),
  {
    name: 'late spans of forgotten traces, 300 spans/s',
    replicas: 1,
    seconds: [...during(6, usual(1_500)), ...during(FORGOTTEN_AFTER_S, pause), ...during(15, late(300))],
    measuredFrom: 6,
  },
];
const SPANS_PER_TRACE = 10;
const PER_REQUEST = 50;
const SENDERS = 16;
const LOOK_EVERY_MS = 100;
const LOOK_BACK_NS = 5_000_000_000n;
const GIVE_UP_MS = 60_000;
// Of what began before the ingest did it would look in the store.
const STARTS_IN_MS = 30_000;

interface Result {
  readonly name: string;
  readonly calls: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly missing: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const name = textAfter(args, '--case', '');
  const cases = CASES.filter((each) => name === '' || each.name === name);
  if (cases.length === 0)
    throw new Error(`There is no case "${name}". There are: ${CASES.map((each) => each.name).join('; ')}`);
  const results: Result[] = [];
  for (const each of cases) {
    // The engine opens one store in a process.
    const result = cases.length === 1 ? await measure(each) : inProcess(each);
    results.push(result);
    if (!args.includes('--json')) print(result);
  }
  if (args.includes('--json')) console.log(JSON.stringify({ visible: results }));
}

function inProcess({ name }: Case): Result {
  const main = join(import.meta.dirname, 'main.ts');
  const printed = execFileSync(process.execPath, [main, 'visible', '--case', name, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (JSON.parse(printed) as { visible: [Result] }).visible[0];
}

function print({ name, calls, p50_ms, p99_ms, max_ms, missing }: Result): void {
  const measures = `p50 ${p50_ms} ms, p99 ${p99_ms} ms, longest ${max_ms} ms`;
  console.log(`${name.padEnd(46)} ${measures} (${calls} calls${missing > 0 ? `, ${missing} not seen` : ''})`);
}

async function measure(each: Case): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-visible-'));
  const database = await openDatabase({ path: join(directory, 'store') }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    const replicas = Array.from({ length: each.replicas }, (_, at) =>
      replica(database, join(directory, String(at)), each.replicas > 1),
    );
    for (const { ingest } of replicas) await ingest.start();
    const sent = new Map<string, number>();
    const requests = requestsOf(each);
    const sending = sendAll(
      requests,
      replicas.map(({ ingest }) => ingest),
      sent,
    );
    const seen = await lookUntilSeen(database, requests.flatMap(({ ids }) => ids).length, sending);
    for (const { ingest, entrance } of replicas) {
      await ingest.stop(20_000);
      await entrance.close();
    }
    const measured = requests.filter(({ second }) => second >= each.measuredFrom).flatMap(({ ids }) => ids);
    return resultOf(each.name, measured, sent, seen);
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function replica(
  database: Database,
  dataDirectory: string,
  isShared: boolean,
): { readonly ingest: Ingest; readonly entrance: Entrance } {
  const shared = {
    clock: systemClock,
    onError: (error: unknown): void => {
      throw error;
    },
  };
  const entrance = new Entrance({
    ...shared,
    dataDirectory,
    policies: KEEP_EVERYTHING,
    hasDraftingThread: isWorthAThread(),
  });
  const ingest = new Ingest({
    ...shared,
    entrance,
    log: createTelemetryLog(database),
    horizon: new KnowledgeHorizon(systemClock),
    attribute: () => ({ kind: 'unknown', prompt: null, version: null, owner: null }),
    price: createPriceBook([]),
    isShared,
  });
  return { ingest, entrance };
}

interface Request {
  readonly body: Buffer;
  /** Of its spans. */
  readonly ids: readonly string[];
  readonly second: number;
  /** After the first. */
  readonly dueMs: number;
}

function requestsOf({ seconds }: Case): Request[] {
  const [one, root] = [hexId(16), hexId(8)];
  const startMs = Date.now() + STARTS_IN_MS;
  const earlier: string[] = [];
  return seconds.flatMap(({ spans, into }, second) =>
    Array.from({ length: spans / PER_REQUEST }, (_, at) => {
      const dueMs = second * 1_000 + (at * 1_000 * PER_REQUEST) / spans;
      const drafts: SpanDraft[] = [];
      let traceId = one;
      for (let n = 0; n < PER_REQUEST; n += 1) {
        if (into === 'new traces' && n % SPANS_PER_TRACE === 0) earlier.push((traceId = hexId(16)));
        if (into === 'earlier traces')
          traceId = earlier[(at * PER_REQUEST + n + second * spans) % earlier.length] as string;
        const question = `Question ${n} of ${Math.trunc(dueMs)}: ${hexId(100)}`;
        const attributes = chatAttributes('Answer.', [{ role: 'user', text: question }], hexId(200));
        drafts.push({
          traceId,
          parentSpanId: root,
          spanId: hexId(8),
          startMs: startMs + Math.trunc(dueMs) + n,
          attributes,
        });
      }
      return { body: tracesBody(drafts), ids: drafts.map(({ spanId = '' }) => spanId), second, dueMs };
    }),
  );
}

/** Tells when each span was acknowledged, by its id. */
async function sendAll(
  requests: readonly Request[],
  replicas: readonly Ingest[],
  sent: Map<string, number>,
): Promise<void> {
  const start = performance.now();
  const waiting = requests.entries();
  const sender = async (): Promise<void> => {
    for (const [at, { body, ids, dueMs }] of waiting) {
      const earlyMs = start + dueMs - performance.now();
      if (earlyMs > 0) await sleep(earlyMs);
      const ingest = replicas[at % replicas.length] as Ingest;
      const { outcome } = await ingest.accept({ signal: 'traces', encoding: 'json', body });
      if (outcome !== 'durable') throw new Error(`The spans were not taken: ${outcome}.`);
      for (const id of ids) sent.set(id, performance.now());
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** When each call was first seen, by the id of its span. */
async function lookUntilSeen(database: Database, spans: number, sending: Promise<void>): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  let [revision, lastMs] = ['0', performance.now()];
  const state = { isSending: true };
  void sending.finally(() => (state.isSending = false)).catch(() => {});
  while (state.isSending || (seen.size < spans && performance.now() - lastMs < GIVE_UP_MS)) {
    const rows = await database.query<{ span_id: string; revision: string }>(
      'SELECT span_id, revision FROM invocations WHERE revision > {revision:UInt64} AND is_deleted = 0 ORDER BY revision',
      { revision },
    );
    for (const row of rows) {
      if (seen.has(row.span_id)) continue;
      lastMs = performance.now();
      seen.set(row.span_id, lastMs);
    }
    // Revisions are times; of two replicas the one that stamped its rows first may write them last.
    const last = BigInt(rows.at(-1)?.revision ?? 0) - LOOK_BACK_NS;
    if (last > BigInt(revision)) revision = String(last);
    await sleep(LOOK_EVERY_MS);
  }
  await sending;
  return seen;
}

function resultOf(
  name: string,
  measured: readonly string[],
  sent: ReadonlyMap<string, number>,
  seen: ReadonlyMap<string, number>,
): Result {
  const times = measured
    .filter((id) => seen.has(id))
    .map((id) => (seen.get(id) as number) - (sent.get(id) as number))
    .toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(times[Math.floor((times.length - 1) * part)] ?? 0);
  const missing = measured.length - times.length;
  return { name, calls: measured.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), missing };
}
