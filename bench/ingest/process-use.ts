/** What another process has used so far, as Linux tells it. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUse {
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Of each thread that runs JavaScript. */
  readonly threadCpuSeconds: Readonly<Record<JavaScriptThread, number>>;
  readonly residentMb: number;
  /** Pages of memory that were not there when they were used, in all threads. */
  readonly pageFaults: number;
}

/** The workers by their names. */
const WORKERS = ['drafting', 'otlp-http'] as const;
export type JavaScriptThread = 'main' | (typeof WORKERS)[number];

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export function processUse(pid: number): ProcessUse {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const whole = fieldsOf(`/proc/${pid}/stat`);
  return {
    cpuSeconds: cpuSeconds(whole),
    threadCpuSeconds: threadCpuSeconds(pid),
    residentMb: Number(kilobytes ?? 0) / 1_000,
    pageFaults: whole[MINOR_FAULTS] ?? 0,
  };
}

function threadCpuSeconds(pid: number): Record<JavaScriptThread, number> {
  const seconds = { main: threadCpu(pid, String(pid)), drafting: 0, 'otlp-http': 0 };
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    const name = WORKERS.find((worker) => worker === nameOf(pid, id));
    if (name !== undefined) seconds[name] += threadCpu(pid, id);
  }
  return seconds;
}

function threadCpu(pid: number, id: string): number {
  return cpuSeconds(fieldsOf(`/proc/${pid}/task/${id}/stat`));
}

/** Null of one that has ended meanwhile. */
function nameOf(pid: number, id: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
}

function cpuSeconds(fields: readonly number[]): number {
  return ((fields[USER_TICKS] ?? 0) + (fields[SYSTEM_TICKS] ?? 0)) / TICKS_PER_SECOND;
}

// Where they stand behind the name, which is in brackets and may hold anything.
const MINOR_FAULTS = 7;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

function fieldsOf(file: string): readonly number[] {
  return readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? [];
}

/** What another process has had written to disks so far. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}
