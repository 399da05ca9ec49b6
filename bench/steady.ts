/**
 * What the daemon takes of a machine that sends it a little all the time, as most do: the part of one core, and what
 * is written to the disk. Each insert into the store costs the same however few rows it has, so this is about how
 * many there are.
 *
 * `npm run bench -- steady [--rates 10,100,1000] [--seconds N] [--json]`, in spans a second
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../tests/support/daemon.ts';
import { processUse, writtenBytes } from './ingest/process-use.ts';
import { sendAll } from './ingest/send.ts';
import { makeTraffic } from './ingest/traffic.ts';
import { numberAfter, textAfter } from './shared/arguments.ts';
import { rounded } from './shared/figures.ts';

interface Result {
  readonly spans_per_second: number;
  readonly cores: number;
  readonly written_mb_per_minute: number;
  readonly limit_cores: number;
  readonly ratio: number;
}

// An SDK sends what a service had in a few seconds; there are several services.
const SPANS_PER_REQUEST = 5;
const SPAN_BYTES = 6_000;
const WARM_UP_S = 15;
const EVERY_MS = 50;
// Spans that began before the daemon did are looked for in the store: not what is measured.
const DAEMON_START_MS = 30_000;
/** What we promise: a third of a core for that anything comes at all, and the rest by the span. */
const LIMIT_CORES = { always: 0.33, perSpan: 0.0005 };

export async function run(args: readonly string[]): Promise<void> {
  const rates = textAfter(args, '--rates', '10,100,1000').split(',').map(Number);
  const seconds = numberAfter(args, '--seconds', 30);
  const results: Result[] = [];
  for (const rate of rates) {
    const result = await measure(rate, seconds);
    results.push(result);
    if (!args.includes('--json')) print(result);
  }
  if (args.includes('--json')) console.log(JSON.stringify({ steady: results }));
}

async function measure(rate: number, seconds: number): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-steady-'));
  try {
    const { bodies } = makeTraffic({
      seed: rate,
      startMs: Date.now() + DAEMON_START_MS,
      spans: rate * (WARM_UP_S + seconds),
      spanBytes: SPAN_BYTES,
      spansPerRequest: SPANS_PER_REQUEST,
      onNaiveRow: () => {},
    });
    writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
    const daemon = await startDaemon(directory);
    try {
      const pid = daemon.process.pid ?? 0;
      const sending = sendEvenly(daemon.otlp, bodies, rate);
      await sleep(WARM_UP_S * 1_000);
      const [start, use, written] = [performance.now(), processUse(pid), writtenBytes(pid)];
      await sending;
      const took = (performance.now() - start) / 1_000;
      const cores = (processUse(pid).cpuSeconds - use.cpuSeconds) / took;
      const limit = LIMIT_CORES.always + LIMIT_CORES.perSpan * rate;
      return {
        spans_per_second: rate,
        cores: rounded(cores, 3),
        written_mb_per_minute: rounded(((writtenBytes(pid) - written) / took) * 60e-6, 1),
        limit_cores: rounded(limit, 3),
        ratio: rounded(cores / limit, 2),
      };
    } finally {
      await daemon.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function sendEvenly(receiver: string, bodies: readonly Buffer[], rate: number): Promise<void> {
  const startMs = performance.now();
  for (let sent = 0; sent < bodies.length;) {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * (rate / SPANS_PER_REQUEST));
    await sendAll(receiver, bodies.slice(sent, due));
    sent = Math.max(sent, Math.min(due, bodies.length));
    await sleep(EVERY_MS);
  }
}

function print({
  spans_per_second: rate,
  cores,
  written_mb_per_minute: written,
  limit_cores: limit,
  ratio,
}: Result): void {
  console.log(`${rate} spans/s: ${cores} of a core, ${ratio} of the limit of ${limit}; ${written} MB written a minute`);
}
