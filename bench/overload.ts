/**
 * A sender that pushes many times what the store takes: memory and spool stay within their bounds,
 * what does not fit is refused with a time to come back, and what was acknowledged is in the store
 * afterwards, once. And what spans of one trace cost beside spans of many.
 *
 * `npm run bench -- overload [--seconds N] [--json]`
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, makeBatch, post, SPANS_PER_REQUEST } from './overload/child.ts';
import type { SlowReport } from './overload/slow-process.ts';
import { numberAfter } from './shared/arguments.ts';

const SECONDS_DEFAULT = 60;
const CONNECTIONS = 8;
const STORE_BYTES_PER_SECOND = 400_000;
const SPOOL_BYTES_MAX = 48 * 1024 * 1024;
const LOOK_EVERY_MS = 500;
// One trace of so many spans, beside as many of many traces; more than are settled together, too.
const TRACE_SPANS = [10_000, 50_000] as const;

export async function run(args: readonly string[]): Promise<void> {
  const seconds = numberAfter(args, '--seconds', SECONDS_DEFAULT);
  const overload = await inDirectory((directory) => push(directory, seconds));
  const traces: TraceCost[] = [];
  for (const spans of TRACE_SPANS) {
    const many = await inDirectory((directory) => settle(directory, spans, false));
    const one = await inDirectory((directory) => settle(directory, spans, true));
    traces.push({ spans, one_us_per_span: one, many_us_per_span: many, ratio: Number((one / many).toFixed(2)) });
  }
  if (args.includes('--json')) console.log(JSON.stringify({ overload, traces }));
  else console.log(overload, traces);
}

interface TraceCost {
  readonly spans: number;
  /** CPU of the whole process until every call is in the store, and settled. */
  readonly one_us_per_span: number;
  readonly many_us_per_span: number;
  readonly ratio: number;
}

async function inDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-overload-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function push(directory: string, seconds: number) {
  const child = await Child.start(directory, STORE_BYTES_PER_SECOND, SPOOL_BYTES_MAX);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const acknowledged = new Set<string>();
  const refused = { requests: 0, withoutTime: 0, otherwise: 0 };
  let offeredBytes = 0;
  const until = performance.now() + seconds * 1_000;
  const sender = async (): Promise<void> => {
    while (performance.now() < until) {
      const { body, spanIds } = makeBatch(null);
      const { status, retryAfter } = await post(agent, child.port, body);
      offeredBytes += body.length;
      if (status === 200) for (const id of spanIds) acknowledged.add(id);
      else if (status !== 503) refused.otherwise += 1;
      else {
        refused.requests += 1;
        if (!/^[1-9]\d*$/.test(retryAfter ?? '')) refused.withoutTime += 1;
      }
    }
  };
  const most = { residentMb: 0, spoolMb: 0 };
  const look = async (): Promise<void> => {
    most.residentMb = Math.max(most.residentMb, await child.ask<number>('memory'));
    most.spoolMb = Math.max(most.spoolMb, bytesBelow(join(directory, 'spool')) / 1e6);
  };
  await Promise.all([...Array.from({ length: CONNECTIONS }, sender), lookWhile(look, () => performance.now() < until)]);
  agent.destroy();
  const { insertedBytes } = await child.ask<SlowReport>('report');
  child.beQuick();
  const isThere = async (): Promise<boolean> => (await child.ask<SlowReport>('report')).calls >= acknowledged.size;
  let isDone = false;
  await lookWhile(
    async () => {
      await look();
      isDone = await isThere();
    },
    () => !isDone,
  );
  const stored = await child.ask<string[]>('calls');
  await child.stop();
  const there = new Set(stored);
  const lost = [...acknowledged].filter((id) => !there.has(id)).length;
  return {
    offered_to_taken: Number((offeredBytes / insertedBytes).toFixed(1)),
    acknowledged_spans: acknowledged.size,
    refused_requests: refused.requests,
    refused_without_a_time: refused.withoutTime,
    answered_otherwise: refused.otherwise,
    resident_mb_max: Math.round(most.residentMb),
    spool_mb_max: Math.round(most.spoolMb),
    lost,
    twice: stored.length - there.size,
    not_acknowledged_but_stored: stored.filter((id) => !acknowledged.has(id)).length,
  };
}

async function lookWhile(look: () => Promise<void>, isOn: () => boolean): Promise<void> {
  while (isOn()) {
    await look();
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
}

/** Microseconds of CPU a span. */
async function settle(directory: string, spans: number, isOneTrace: boolean): Promise<number> {
  const child = await Child.start(directory, 0, 1024 * 1024 * 1024);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const trace = isOneTrace ? { traceId: 'e'.repeat(32), parentSpanId: 'e'.repeat(16) } : null;
  const before = await child.ask<SlowReport>('report');
  for (let sent = 0; sent < spans; sent += SPANS_PER_REQUEST) {
    const { status } = await post(agent, child.port, makeBatch(trace).body);
    if (status !== 200) throw new Error(`It was answered ${status}.`);
  }
  agent.destroy();
  let report = before;
  await lookWhile(
    async () => {
      report = await child.ask<SlowReport>('report');
    },
    // What was shown early is settled once more.
    () => report.calls < spans || report.waitingBytes > 0,
  );
  await child.stop();
  return Math.round(((report.cpuSeconds - before.cpuSeconds) / spans) * 1e6);
}

function bytesBelow(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory))
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
