/**
 * Tells whether a process that wrote its id down still runs, also when the id was given to another
 * process since, or the machine was started again.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Changes with every start of the machine; null where the system does not tell. */
  readonly bootId: string | null;
  /** When the process started, in the kernel's ticks since boot; null where the system does not tell. */
  readonly startTicks: string | null;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, bootId: bootId(), startTicks: startTicks(process.pid) };
}

/**
 * True when that very process runs. Errs to true where the system tells too little; a process in
 * another container can't be seen and counts as gone, so something stronger must guard the resource.
 */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.bootId !== null && identity.bootId !== bootId()) return false;
  if (!exists(identity.pid)) return false;
  return identity.startTicks === null || identity.startTicks === startTicks(identity.pid);
}

/**
 * Whether the process `pid` that we see has the file open. Another container's process has an id there that is somebody
 * else's here, often our own. Errs to true where the system does not tell.
 */
export function mayHaveOpen(pid: number, file: string): boolean {
  if (pid === process.pid || !exists(pid)) return false;
  const files = `/proc/${pid}/fd`;
  try {
    const { dev, ino } = statSync(file);
    return readdirSync(files).some((name) => {
      const other = statSync(`${files}/${name}`, { throwIfNoEntry: false });
      return other?.dev === dev && other.ino === ino;
    });
  } catch {
    return true;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function bootId(): string | null {
  return readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

/** Field 22 of /proc/PID/stat. The command, field 2, is in brackets and may itself hold any character. */
function startTicks(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not noticed yet.
  if (fields[0] === 'Z') return null;
  return fields[19] ?? null;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
