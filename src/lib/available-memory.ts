/** How much memory there is for this process: that of the machine, or of the container, which may be a small part of it. */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** With so much nothing is made smaller than it is without a limit. `bin/launch.mjs` knows it too, which runs before any of this. */
export const PLENTY_OF_MEMORY = 4 * 1024 ** 3;

/** In bytes. Linux says of a container without a limit that it has more than all machines. */
export function availableMemory(machineBytes = totalmem(), containerBytes = containerMemory()): number {
  return containerBytes > 0 ? Math.min(machineBytes, containerBytes) : machineBytes;
}

/** 0 where nothing is limited. */
function containerMemory(): number {
  const limits = [process.constrainedMemory(), cgroupLimit()].filter((bytes) => bytes > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

/**
 * The smallest limit of the cgroup that this process is in and of those around it, such as a systemd slice: Node asks
 * the innermost alone. In version 2 of cgroups; 0 where nothing is limited.
 */
export function cgroupLimit(membership = '/proc/self/cgroup', hierarchy = '/sys/fs/cgroup'): number {
  const path = /^0::(\/.*)$/m.exec(read(membership))?.[1];
  // Somebody outside of what we see: what we see is not around it.
  if (path === undefined || path.startsWith('/..')) return 0;
  const names = path.split('/').filter(Boolean);
  const around = Array.from({ length: names.length + 1 }, (_, depth) => join(hierarchy, ...names.slice(0, depth)));
  const limits = around
    .flatMap((cgroup) => ['memory.max', 'memory.high'].map((file) => Number(read(join(cgroup, file)))))
    // `max` is no number, and what is not there is 0.
    .filter((bytes) => bytes > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
