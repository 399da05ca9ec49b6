/** What another process has used so far, as Linux tells it. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessUse {
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript. */
  readonly mainCpuSeconds: number;
  readonly residentMb: number;
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export function processUse(pid: number): ProcessUse {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    cpuSeconds: cpuSeconds(`/proc/${pid}/stat`),
    mainCpuSeconds: cpuSeconds(`/proc/${pid}/task/${pid}/stat`),
    residentMb: Number(kilobytes ?? 0) / 1_000,
  };
}

/** User and system time: the 14th and 15th field, of which the second is a name in brackets. */
function cpuSeconds(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
