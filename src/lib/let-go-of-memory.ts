/** Gives back memory that a thread keeps and has no use for at the moment; for when it is short. */

import { collectGarbage } from './collect-garbage.ts';
import { clearSpareRooms, type Rooms } from './growing-buffer.ts';

/** So often in a thread beside the daemon's: nothing else would have the garbage of one collected that has nothing to do. */
export const LET_GO_EVERY_MS = 1_000;

/** Of this thread. `own`: rooms that are not those of all. Takes a tenth of a second or two. */
export function letGoOfMemory(own?: Rooms): void {
  own?.clear();
  clearSpareRooms();
  collectGarbage();
}
