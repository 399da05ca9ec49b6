/** How much memory there is for this process: that of the machine, or of the container, which may be a small part of it. */

import { totalmem } from 'node:os';

/** With so much nothing is made smaller than it is without a limit. `bin/launch.mjs` knows it too, which runs before any of this. */
export const PLENTY_OF_MEMORY = 4 * 1024 ** 3;

/** In bytes. Linux says of a container without a limit that it has more than all machines. */
export function availableMemory(machineBytes = totalmem(), containerBytes = process.constrainedMemory()): number {
  return containerBytes > 0 ? Math.min(machineBytes, containerBytes) : machineBytes;
}
