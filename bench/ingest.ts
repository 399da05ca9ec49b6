/**
 * How fast telemetry comes in, end to end and durable, beside limits measured in the same run:
 * decoding alone, receiving and making durable alone, and inserting the very same final rows straight
 * into the embedded engine.
 *
 * `npm run bench -- ingest [--spans N] [--kb 1,6,40] [--json]`
 * `npm run bench -- ingest --stored 1000000,10000000,50000000 [--spans N] [--kb 1] [--json]`: the rate
 * of the daemon beside so many spans in its store, and its ratio to the first of them.
 */

import { execFileSync, fork, type ExecFileSyncOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeTraces } from '../src/otlp/decode.ts';
import { runPlumbline, startDaemon, type Daemon } from '../tests/support/daemon.ts';
import { processUse, type JavaScriptThread, type ProcessUse } from './ingest/process-use.ts';
import { sendAll } from './ingest/send.ts';
import { makeTraffic, type Traffic } from './ingest/traffic.ts';
import { numberAfter, textAfter } from './shared/arguments.ts';
import { rounded } from './shared/figures.ts';

interface Result {
  readonly span_kb: number;
  readonly spans: number;
  readonly calls: number;
  /** Settled while it is sent, once the daemon is warm; see `sustainedBetween`. */
  readonly end_to_end_per_second: number;
  /** From the first byte to the last settled call: with a cold start, and the quiet that ends the last traces. */
  readonly whole_run_per_second: number;
  readonly acknowledged_per_second: number;
  readonly mb_per_second: number;
  readonly cpu_us_per_span: number;
  /** Of each thread that runs JavaScript: with cores enough, the busiest sets the pace. */
  readonly thread_cpu_us_per_span: Readonly<Record<JavaScriptThread, number>>;
  /** CPU of the straight insert of the same rows, merges included. */
  readonly straight_cpu_us_per_span: number;
  readonly page_faults_per_span: number;
  readonly resident_mb: number;
  readonly decode_per_second: number;
  /** Requests received and durable, and nothing else. */
  readonly receive_per_second: number;
  readonly straight_insert_per_second: number;
  readonly ratio_to_decode: number;
  readonly ratio_to_receive: number;
  readonly ratio_to_straight_insert: number;
  readonly refused: number;
  readonly tables: Readonly<
    Record<string, { readonly rows: number; readonly bytes: number; readonly json_bytes: number }>
  >;
  readonly disk_bytes_per_span: number;
  readonly naive_disk_bytes_per_span: number;
  readonly naive_to_disk: number;
}

// A conversation's next turn comes seconds after the last: two of them are seldom in flight together.
const REQUEST_KB = 128;
const INHERIT_ERRORS: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'] };
// Spans that began before the daemon did are looked for in the store, as after every restart: not what is measured.
const DAEMON_START_MS = 30_000;
const GIVE_UP_MS = 60_000;
const LOOK_EVERY_MS = 250;
// Compilers and caches need some seconds of load, which no daemon that runs for weeks has again.
const WARM_UP_PART = 0.2;
// Half a minute or more: of it, a fifth is warming up.
const DEFAULT_SPANS: Readonly<Record<number, number>> = { 1: 1_000_000, 6: 300_000, 40: 60_000 };

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--stored')) {
    await besideStored(args);
    return;
  }
  const sizes = textAfter(args, '--kb', '1,6,40').split(',').map(Number);
  const results: Result[] = [];
  for (const kb of sizes) {
    const spans = numberAfter(args, '--spans', DEFAULT_SPANS[kb] ?? 20_000);
    const result = await measure(kb, spans);
    results.push(result);
    if (!args.includes('--json')) print(result);
  }
  if (args.includes('--json')) console.log(JSON.stringify({ ingest: results }));
}

/** The same traffic again and again into one store that grows in between. */
async function besideStored(args: readonly string[]): Promise<void> {
  const kb = numberAfter(args, '--kb', 1);
  const spans = numberAfter(args, '--spans', DEFAULT_SPANS[kb] ?? 20_000);
  const levels = textAfter(args, '--stored', '').split(',').map(Number);
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-ingest-'));
  const results: { stored: number; per_second: number; cpu_us_per_span: number; ratio_to_first: number }[] = [];
  try {
    // The first makes the store and what it is filled with.
    for (const [seed, stored] of [0, ...levels].entries()) {
      const grow = join(import.meta.dirname, 'ingest/grow-process.ts');
      if (stored > 0) execFileSync(process.execPath, [grow, join(directory, 'data'), String(stored)], INHERIT_ERRORS);
      const traffic = trafficOf(kb, spans, 100 + seed, () => {});
      const through = await drive(directory, traffic);
      if (stored === 0) continue;
      const perSecond = Math.round(through.spansPerSecond);
      const cpu = rounded(through.cpuUsPerSpan, 1);
      const ratio = rounded(perSecond / (results[0]?.per_second ?? perSecond), 2);
      results.push({ stored, per_second: perSecond, cpu_us_per_span: cpu, ratio_to_first: ratio });
      if (!args.includes('--json'))
        console.log(`beside ${stored} spans: ${perSecond} spans/s, ${cpu} us CPU a span, ratio to the first ${ratio}`);
    }
    if (args.includes('--json')) console.log(JSON.stringify({ stored: results }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function trafficOf(kb: number, spans: number, seed: number, onNaiveRow: (row: string) => void): Traffic {
  const spansPerRequest = Math.max(16, Math.round(REQUEST_KB / kb));
  return makeTraffic({
    seed,
    startMs: Date.now() + DAEMON_START_MS,
    spans,
    spanBytes: kb * 1_000,
    spansPerRequest,
    onNaiveRow,
  });
}

async function measure(kb: number, spans: number): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-ingest-'));
  try {
    const naiveFile = join(directory, 'naive.jsonl');
    const naive = openSync(naiveFile, 'w');
    const traffic = trafficOf(kb, spans, kb, (row) => writeSync(naive, row));
    closeSync(naive);
    const decodePerSecond = decodeRate(traffic);
    const receivePerSecond = await receiveRate(join(directory, 'received'), traffic);
    const through = await drive(directory, traffic);
    const straight = straightInsert(join(directory, 'data'), naiveFile);
    const straightPerSecond = traffic.spans / straight.seconds;
    const disk = Object.values(straight.tables).reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      span_kb: rounded(traffic.bytes / traffic.spans / 1_000, 1),
      spans: traffic.spans,
      calls: traffic.calls,
      end_to_end_per_second: Math.round(through.spansPerSecond),
      whole_run_per_second: Math.round(traffic.spans / through.seconds),
      acknowledged_per_second: Math.round(traffic.spans / through.acknowledgedSeconds),
      mb_per_second: rounded((through.spansPerSecond * traffic.bytes) / traffic.spans / 1e6, 1),
      cpu_us_per_span: rounded(through.cpuUsPerSpan, 1),
      thread_cpu_us_per_span: through.threadCpuUsPerSpan,
      straight_cpu_us_per_span: rounded((straight.cpuSeconds / traffic.spans) * 1e6, 1),
      page_faults_per_span: rounded(through.pageFaultsPerSpan, 2),
      resident_mb: Math.round(through.residentMb),
      decode_per_second: Math.round(decodePerSecond),
      receive_per_second: Math.round(receivePerSecond),
      straight_insert_per_second: Math.round(straightPerSecond),
      ratio_to_decode: rounded(through.spansPerSecond / decodePerSecond, 3),
      ratio_to_receive: rounded(through.spansPerSecond / receivePerSecond, 3),
      ratio_to_straight_insert: rounded(through.spansPerSecond / straightPerSecond, 3),
      refused: through.refused,
      tables: straight.tables,
      disk_bytes_per_span: Math.round(disk / traffic.spans),
      naive_disk_bytes_per_span: Math.round(straight.naive.bytes / traffic.spans),
      naive_to_disk: rounded(straight.naive.bytes / disk, 1),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function decodeRate(traffic: Traffic): number {
  const start = performance.now();
  let decoded = 0;
  for (const body of traffic.bodies) {
    const result = decodeTraces(body, 'protobuf');
    if (result.outcome === 'decoded') decoded += result.accepted;
  }
  return decoded / ((performance.now() - start) / 1_000);
}

async function receiveRate(directory: string, traffic: Traffic): Promise<number> {
  const child = fork(join(import.meta.dirname, 'ingest/spool-process.ts'), [directory], { stdio: 'inherit' });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const start = performance.now();
  await sendAll(`http://127.0.0.1:${port}`, traffic.bodies);
  const seconds = (performance.now() - start) / 1_000;
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
  return traffic.spans / seconds;
}

interface Through {
  /** Sustained. */
  readonly spansPerSecond: number;
  readonly cpuUsPerSpan: number;
  readonly threadCpuUsPerSpan: Readonly<Record<JavaScriptThread, number>>;
  readonly pageFaultsPerSpan: number;
  /** Of the whole run. */
  readonly seconds: number;
  readonly acknowledgedSeconds: number;
  readonly residentMb: number;
  readonly refused: number;
}

/** The daemon as it is at a moment of the run. */
interface Look extends ProcessUse {
  readonly seconds: number;
  /** Calls written into the table that the API reads. */
  readonly settled: number;
}

/** The daemon as a user runs it, from the first byte sent to the last call settled. */
async function drive(directory: string, traffic: Traffic): Promise<Through> {
  writeProject(directory, traffic.prompts);
  await runPlumbline(directory, ['lock']);
  const daemon = await startDaemon(directory);
  try {
    const start = performance.now();
    const since = (): number => (performance.now() - start) / 1_000;
    const sending = sendAll(daemon.otlp, traffic.bodies).then((sent) => ({ ...sent, seconds: since() }));
    const [{ refused, seconds: acknowledgedSeconds }, looks] = await Promise.all([
      sending,
      lookUntilSettled(daemon, traffic.calls, since),
    ]);
    const [from, to] = sustainedBetween(looks, traffic.calls, acknowledgedSeconds);
    const spans = ((to.settled - from.settled) / traffic.calls) * traffic.spans;
    const ofThread = (thread: JavaScriptThread): number =>
      rounded(((to.threadCpuSeconds[thread] - from.threadCpuSeconds[thread]) / spans) * 1e6, 1);
    return {
      spansPerSecond: spans / (to.seconds - from.seconds),
      cpuUsPerSpan: ((to.cpuSeconds - from.cpuSeconds) / spans) * 1e6,
      threadCpuUsPerSpan: {
        main: ofThread('main'),
        drafting: ofThread('drafting'),
        'otlp-http': ofThread('otlp-http'),
      },
      pageFaultsPerSpan: (to.pageFaults - from.pageFaults) / spans,
      seconds: looks.at(-1)?.seconds ?? 0,
      acknowledgedSeconds,
      residentMb: Math.max(...looks.map(({ residentMb }) => residentMb)),
      refused,
    };
  } finally {
    await daemon.stop();
  }
}

async function lookUntilSettled(daemon: Daemon, calls: number, since: () => number): Promise<readonly Look[]> {
  const looks: Look[] = [];
  let [settled, settledAt] = [-1, 0];
  while (settled < calls) {
    const now = await settledCalls(daemon);
    looks.push({ ...processUse(daemon.process.pid ?? 0), seconds: since(), settled: now });
    if (now > settled) settledAt = performance.now();
    else if (performance.now() - settledAt > GIVE_UP_MS)
      throw new Error(`${now} of ${calls} calls were settled, and then no more.\n${daemon.printed()}`);
    settled = now;
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
  return looks;
}

/**
 * The first and the last look at a warm daemon to which is still sent: what is acknowledged and not
 * settled at the end does not count. The whole run, where it is too short for that.
 */
function sustainedBetween(looks: readonly Look[], calls: number, sentSeconds: number): readonly [Look, Look] {
  const [first, last] = [looks[0] as Look, looks.at(-1) as Look];
  const from = looks.find(({ settled }) => settled >= calls * WARM_UP_PART) ?? first;
  const to = looks.findLast(({ seconds }) => seconds <= sentSeconds) ?? last;
  return to.settled - from.settled > calls / 4 ? [from, to] : [first, last];
}

function writeProject(directory: string, prompts: Traffic['prompts']): void {
  mkdirSync(join(directory, 'prompts'), { recursive: true });
  for (const { name, template } of prompts) {
    const fields = {
      id: name,
      version: 1,
      owner: 'bench',
      model: 'gpt-4o',
      tags: ['bench'],
      format: 'mustache',
      template,
    };
    const lines = Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    writeFileSync(join(directory, 'prompts', `${name}.yaml`), lines.join(''));
  }
  writeFileSync(join(directory, 'plumbline.yaml'), 'registry: [{ files: ./prompts }]\nstore: { path: ./data }\n');
}

async function settledCalls(daemon: Daemon): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', daemon.api))).text();
  return Number(/^plumbline_ingest_settled_total\{[^}]*what="new"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

interface Straight {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly tables: Result['tables'];
  readonly naive: { readonly rows: number; readonly bytes: number };
}

function straightInsert(store: string, naiveFile: string): Straight {
  const script = join(import.meta.dirname, 'ingest/straight-process.ts');
  const output = execFileSync(process.execPath, [script, store, naiveFile], { encoding: 'utf8', maxBuffer: 1e8 });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Straight;
}

function print(result: Result): void {
  const { tables } = result;
  console.log(
    [
      `${result.span_kb} KB a span, ${result.spans} spans, ${result.calls} calls`,
      `  end to end      ${result.end_to_end_per_second} spans/s, ${result.mb_per_second} MB/s (refused ${result.refused}; the whole run ${result.whole_run_per_second} spans/s, acknowledged ${result.acknowledged_per_second})`,
      `  decode alone    ${result.decode_per_second} spans/s, ratio ${result.ratio_to_decode}`,
      `  receive alone   ${result.receive_per_second} spans/s, ratio ${result.ratio_to_receive}`,
      `  straight insert ${result.straight_insert_per_second} spans/s, ratio ${result.ratio_to_straight_insert}`,
      `  daemon          ${result.cpu_us_per_span} us CPU a span (straight insert ${result.straight_cpu_us_per_span}), ${result.page_faults_per_span} page faults, ${result.resident_mb} MB resident`,
      `  its threads     ${Object.entries(result.thread_cpu_us_per_span)
        .map(([name, us]) => `${name} ${us}`)
        .join(', ')} us CPU a span`,
      `  on disk         ${result.disk_bytes_per_span} B a span, naive rows ${result.naive_disk_bytes_per_span} B: 1/${result.naive_to_disk}`,
      ...Object.entries(tables).map(
        ([name, { rows, bytes, json_bytes: json }]) => `    ${name}: ${rows} rows, ${bytes} B (${json} B as JSON)`,
      ),
    ].join('\n'),
  );
}
