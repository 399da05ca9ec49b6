/** What an earlier process wrote last, and may not have lived to count: the hours of it are added up anew. */

import { isFault } from '../../contract/fault.ts';
import type { TelemetryLog } from '../../contract/telemetry-log.ts';

// Of a process that was killed: what it may have been writing then.
const LAST_WRITES_NS = 60_000_000_000n;

export class UncountedUsage {
  readonly #log: TelemetryLog;
  /** A revision; null once it is told. */
  #since: bigint | null;

  constructor(log: TelemetryLog, lastRevision: bigint) {
    this.#log = log;
    this.#since = lastRevision > LAST_WRITES_NS ? lastRevision - LAST_WRITES_NS : 0n;
  }

  /** A store that has no room, as on a full disk, keeps no daemon from starting: then it is for `tell` to try again. */
  async tellAtStart(): Promise<void> {
    await this.tell().catch((error: unknown) => {
      if (!isFault(error) || error.kind !== 'overloaded') throw error;
    });
  }

  /** To be called before anything is written. Returns whether it had to be told. */
  async tell(): Promise<boolean> {
    if (this.#since === null) return false;
    await this.#log.distrustUsage(this.#since);
    this.#since = null;
    return true;
  }
}
