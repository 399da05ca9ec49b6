/**
 * Opens the store, and starts the daemon on it. An embedded store is there or can't be used; a server may be away for
 * a while: then telemetry is taken, and the start tried again, until it answers.
 */

import { systemClock } from '../../lib/time.ts';
import { mayPass } from '../../store/engine/clickhouse-fault.ts';
import { claimSpoolDirectory } from '../../store/engine/data-directory.ts';
import { awaitStore, type Attempt } from './await-store.ts';
import { Daemon, type DaemonOptions } from '../daemon.ts';
import { endInTurn } from '../end-in-turn.ts';
import { addressOf, cutOffBy, openForDaemon, type OpenedStore } from './open-store.ts';
import type { Reception } from '../reception.ts';

export type RunningDaemon = Pick<Daemon, 'stop'>;

/** It was asked to stop before there was a store. */
export interface StoppedEarly {
  /** What did not end in its time. */
  readonly unfinished: readonly string[];
}

export interface ServerOpening {
  /** Ends the wait. */
  readonly stopping: AbortSignal;
  /** Called once, when the server is not there yet: why. Telemetry is taken by then. */
  readonly onWaiting: (reason: string) => void;
}

/** Throws a `Fault`, and then nothing is open. `onOpened`: from then on a stop is to be asked of the daemon. */
export async function startWithEmbeddedStore(
  options: DaemonOptions,
  reception: Reception,
  onOpened: () => void,
): Promise<Daemon> {
  const daemon = await makeDaemon(options, reception, await openForDaemon(options));
  onOpened();
  try {
    // Before anything is looked at: who finds a port taken has told nobody of drift.
    await reception.open();
    await daemon.start();
    return daemon;
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

/** Throws a `Fault` for what time does not mend, and then nothing is open. */
export async function startWithServer(
  options: DaemonOptions,
  reception: Reception,
  { stopping, onWaiting }: ServerOpening,
): Promise<RunningDaemon | StoppedEarly> {
  const { configuration, version, log } = options;
  const letGo = await claimSpoolDirectory(configuration.dataDirectory, version, systemClock.now());
  const wait = (reason: string): void => {
    if (!reception.isWaiting) onWaiting(reason);
    reception.waitsBecause(reason);
  };
  try {
    await reception.open();
    const open = (attempt: Attempt): Promise<Daemon> => startBehind(options, reception, attempt);
    const daemon = await awaitStore(
      { address: addressOf(configuration.store), open, mayPass, onWaiting: wait, log },
      stopping,
    );
    const stop = async (): Promise<readonly string[]> => {
      const unfinished = await daemon.stop();
      await letGo();
      return unfinished;
    };
    return { stop };
  } catch (error) {
    const unfinished = await endInTurn([...reception.toStop, ...reception.toStopLast], log);
    await letGo();
    if (stopping.aborted) return { unfinished };
    throw error;
  }
}

/** A store may answer, and be away again before all is started: so that is a part of the attempt. */
async function startBehind(options: DaemonOptions, reception: Reception, attempt: Attempt): Promise<Daemon> {
  const opened = await openForDaemon(options, attempt);
  const daemon = await makeDaemon(options, reception, opened);
  return cutOffBy(attempt.signal, opened.database, async () => {
    try {
      await daemon.start();
      return daemon;
    } catch (error) {
      await daemon.stopBehindReception();
      throw error;
    }
  });
}

async function makeDaemon(options: DaemonOptions, reception: Reception, opened: OpenedStore): Promise<Daemon> {
  try {
    return new Daemon(options, reception, opened);
  } catch (error) {
    await opened.database.close();
    throw error;
  }
}
