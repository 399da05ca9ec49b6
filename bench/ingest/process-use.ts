/** What another process has used so far, as Linux tells it. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessUse {
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript. */
  readonly mainCpuSeconds: number;
  readonly residentMb: number;
  /** Pages of memory that were not there when they were used, in all threads. */
  readonly pageFaults: number;
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export function processUse(pid: number): ProcessUse {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const whole = fieldsOf(`/proc/${pid}/stat`);
  return {
    cpuSeconds: cpuSeconds(whole),
    mainCpuSeconds: cpuSeconds(fieldsOf(`/proc/${pid}/task/${pid}/stat`)),
    residentMb: Number(kilobytes ?? 0) / 1_000,
    pageFaults: whole[MINOR_FAULTS] ?? 0,
  };
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
