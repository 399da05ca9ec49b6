/**
 * Broken telemetry in any number through the real receiver: a process with the real ingest and
 * store. Ends with an error that names the seed of a wrong answer, a crash or a hang.
 *
 * `npm run bench -- otlp-fuzz [--bodies N] [--seed N] [--connections N] [--json]`
 */

import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fuzzRequests, sendFuzz, wrongAnswer } from '../tests/ingest/fuzz-requests.ts';
import type { Report } from './ingest/receiver-process.ts';
import { numberAfter } from './shared/arguments.ts';

const BODIES_DEFAULT = 100_000;
/** So often a line is printed, and memory looked at. */
const ROUNDS = 50;
// Failures that the receiver's log names; each is a bug.
const LOG_SHOWN_BYTES = 4_000;

export async function run(args: readonly string[]): Promise<void> {
  const bodies = numberAfter(args, '--bodies', BODIES_DEFAULT);
  const seed = numberAfter(args, '--seed', Date.now() % 1_000_000_000);
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-fuzz-'));
  const child = fork(join(import.meta.dirname, 'ingest/receiver-process.ts'), [directory], { silent: true });
  try {
    await drive(child, {
      bodies,
      seed,
      connections: numberAfter(args, '--connections', 4),
      isJson: args.includes('--json'),
    });
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await new Promise((resolve) => {
        child.once('exit', resolve);
      });
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Plan {
  readonly bodies: number;
  readonly seed: number;
  readonly connections: number;
  readonly isJson: boolean;
}

async function drive(child: ChildProcess, { bodies, seed, connections, isJson }: Plan): Promise<void> {
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      log = (log + text.toString()).slice(0, LOG_SHOWN_BYTES);
    });
  }
  const died = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`The receiver ended with ${code ?? signal}.\n${log}`)));
  });
  died.catch(() => {});
  const { port } = await Promise.race([died, answerOf<{ port: number }>(child)]);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const make = fuzzRequests();
  const statuses = new Map<number, number>();
  const resident: number[] = [];
  let at = 0;
  const sendUntil = async (end: number): Promise<void> => {
    while (at < end) {
      const request = make(seed + at++);
      const answer = await sendFuzz(agent, port, request);
      const wrong = wrongAnswer(request, answer);
      if (wrong !== null) throw new Error(`Seed ${request.seed}, made from ${request.madeFrom}: ${wrong}`);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
  };
  const start = performance.now();
  let report = await ask(child);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const end = Math.floor((bodies * round) / ROUNDS);
    await Promise.race([died, Promise.all(Array.from({ length: connections }, () => sendUntil(end)))]);
    report = await Promise.race([died, ask(child)]);
    resident.push(report.residentMb);
    const seconds = (performance.now() - start) / 1_000;
    if (!isJson)
      console.log(
        `${end} bodies in ${seconds.toFixed(0)} s, ${(end / seconds).toFixed(0)} a second; ${describe(statuses)}; ` +
          `${report.calls} calls; ${report.residentMb.toFixed(0)} MB resident (heap ${report.heapMb.toFixed(0)}, buffers ${report.buffersMb.toFixed(0)}, engine ${report.engineMb.toFixed(0)}), seeds from ${seed}`,
      );
    if (log !== '') throw new Error(`The receiver reported:\n${log}`);
  }
  agent.destroy();
  const seconds = (performance.now() - start) / 1_000;
  const atTenth = resident[ROUNDS / 10 - 1] ?? 0;
  const summary = {
    bodies,
    seed,
    bodies_per_second: Math.round(bodies / seconds),
    statuses: Object.fromEntries(statuses),
    receiver_cpu_seconds: Math.round(report.cpuSeconds),
    resident_mb_at_10_percent: Math.round(atTenth),
    resident_mb_at_end: Math.round(report.residentMb),
    resident_mb_max: Math.round(Math.max(...resident)),
  };
  console.log(JSON.stringify(isJson ? { otlp_fuzz: summary } : summary));
}

function describe(statuses: ReadonlyMap<number, number>): string {
  return [...statuses]
    .toSorted(([a], [b]) => a - b)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
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
