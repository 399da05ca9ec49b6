/**
 * How fast telemetry comes in, end to end and durable, beside two limits measured in the same run:
 * decoding alone, and inserting the very same final rows straight into the embedded engine.
 *
 * `npm run bench -- ingest [--spans N] [--kb 1,6,40] [--json]`
 */

import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeTraces } from '../src/otlp/decode.ts';
import type { Report } from './ingest/receiver-process.ts';
import { sendAll } from './ingest/send.ts';
import { makeTraffic, type Traffic } from './ingest/traffic.ts';

interface Result {
  readonly span_kb: number;
  readonly spans: number;
  readonly calls: number;
  readonly end_to_end_per_second: number;
  readonly acknowledged_per_second: number;
  readonly mb_per_second: number;
  readonly cpu_us_per_span: number;
  readonly main_thread_cpu_us_per_span: number;
  /** CPU of the straight insert of the same rows, merges included. */
  readonly straight_cpu_us_per_span: number;
  readonly resident_mb: number;
  readonly decode_per_second: number;
  readonly straight_insert_per_second: number;
  readonly ratio_to_decode: number;
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
const DEFAULT_SPANS: Readonly<Record<number, number>> = { 1: 200_000, 6: 80_000, 40: 30_000 };

export async function run(args: readonly string[]): Promise<void> {
  const sizes = option(args, '--kb', '1,6,40').split(',').map(Number);
  const results: Result[] = [];
  for (const kb of sizes) {
    const spans = Number(option(args, '--spans', String(DEFAULT_SPANS[kb] ?? 20_000)));
    const result = await measure(kb, spans);
    results.push(result);
    if (!args.includes('--json')) print(result);
  }
  if (args.includes('--json')) console.log(JSON.stringify({ ingest: results }));
}

function option(args: readonly string[], name: string, otherwise: string): string {
  const index = args.indexOf(name);
  return index === -1 ? otherwise : (args[index + 1] ?? otherwise);
}

async function measure(kb: number, spans: number): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-ingest-'));
  try {
    const naiveFile = join(directory, 'naive.jsonl');
    const naive = openSync(naiveFile, 'w');
    const traffic = makeTraffic({
      seed: kb,
      spans,
      spanBytes: kb * 1_000,
      spansPerRequest: Math.max(16, Math.round(REQUEST_KB / kb)),
      onNaiveRow: (row) => writeSync(naive, row),
    });
    closeSync(naive);
    const decodePerSecond = decodeRate(traffic);
    const through = await drive(directory, traffic);
    const straight = straightInsert(join(directory, 'store'), naiveFile);
    const straightPerSecond = traffic.spans / straight.seconds;
    const disk = Object.values(straight.tables).reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      span_kb: round(traffic.bytes / traffic.spans / 1_000, 1),
      spans: traffic.spans,
      calls: traffic.calls,
      end_to_end_per_second: Math.round(traffic.spans / through.seconds),
      acknowledged_per_second: Math.round(traffic.spans / through.acknowledgedSeconds),
      mb_per_second: round(traffic.bytes / through.seconds / 1e6, 1),
      cpu_us_per_span: round((through.cpuSeconds / traffic.spans) * 1e6, 1),
      main_thread_cpu_us_per_span: round((through.mainCpuSeconds / traffic.spans) * 1e6, 1),
      straight_cpu_us_per_span: round((straight.cpuSeconds / traffic.spans) * 1e6, 1),
      resident_mb: Math.round(through.residentMb),
      decode_per_second: Math.round(decodePerSecond),
      straight_insert_per_second: Math.round(straightPerSecond),
      ratio_to_decode: round(traffic.spans / through.seconds / decodePerSecond, 3),
      ratio_to_straight_insert: round(traffic.spans / through.seconds / straightPerSecond, 3),
      refused: through.refused,
      tables: straight.tables,
      disk_bytes_per_span: Math.round(disk / traffic.spans),
      naive_disk_bytes_per_span: Math.round(straight.naive.bytes / traffic.spans),
      naive_to_disk: round(straight.naive.bytes / disk, 1),
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

interface Through {
  readonly seconds: number;
  readonly acknowledgedSeconds: number;
  readonly cpuSeconds: number;
  readonly mainCpuSeconds: number;
  readonly residentMb: number;
  readonly refused: number;
}

/** From the first byte sent to the last call visible in the table that the API reads. */
async function drive(directory: string, traffic: Traffic): Promise<Through> {
  const child = fork(join(import.meta.dirname, 'ingest/receiver-process.ts'), [directory], {
    execArgv: process.env['PROFILE'] === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir=/tmp/prof'],
  });
  const { port } = await answerOf<{ port: number }>(child);
  const before = await ask(child);
  const start = performance.now();
  const { refused } = await sendAll(port, traffic.bodies);
  const acknowledgedSeconds = (performance.now() - start) / 1_000;
  let residentMb = before.residentMb;
  for (;;) {
    const report = await ask(child);
    residentMb = Math.max(residentMb, report.residentMb);
    if (report.calls >= traffic.calls) {
      const seconds = (performance.now() - start) / 1_000;
      child.send('stop');
      await new Promise((resolve) => {
        child.once('exit', resolve);
      });
      const cpuSeconds = report.cpuSeconds - before.cpuSeconds;
      const mainCpuSeconds = report.mainCpuSeconds - before.mainCpuSeconds;
      return { seconds, acknowledgedSeconds, cpuSeconds, mainCpuSeconds, residentMb, refused };
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

function ask(child: ChildProcess): Promise<Report> {
  child.send('report');
  return answerOf<Report>(child);
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as Answer));
  });
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

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function print(result: Result): void {
  const { tables } = result;
  console.log(
    [
      `${result.span_kb} KB a span, ${result.spans} spans, ${result.calls} calls`,
      `  end to end      ${result.end_to_end_per_second} spans/s, ${result.mb_per_second} MB/s (acknowledged ${result.acknowledged_per_second} spans/s, refused ${result.refused})`,
      `  decode alone    ${result.decode_per_second} spans/s, ratio ${result.ratio_to_decode}`,
      `  straight insert ${result.straight_insert_per_second} spans/s, ratio ${result.ratio_to_straight_insert}`,
      `  daemon          ${result.cpu_us_per_span} us CPU a span, main thread ${result.main_thread_cpu_us_per_span} (straight insert ${result.straight_cpu_us_per_span}), ${result.resident_mb} MB resident`,
      `  on disk         ${result.disk_bytes_per_span} B a span, naive rows ${result.naive_disk_bytes_per_span} B: 1/${result.naive_to_disk}`,
      ...Object.entries(tables).map(
        ([name, { rows, bytes, json_bytes: json }]) => `    ${name}: ${rows} rows, ${bytes} B (${json} B as JSON)`,
      ),
    ].join('\n'),
  );
}
