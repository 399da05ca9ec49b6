/**
 * Waits for a store that can't be reached: tries again and again with longer and longer pauses, and says so in the
 * log. What time does not mend ends the wait at once. Knows nothing of what is opened.
 */

import { describeError } from '../../contract/fault.ts';
import { sleep } from '../../lib/limits.ts';
import { formatDuration } from '../../lib/time.ts';
import { TroubleLog, type TellLog } from '../../lib/trouble-log.ts';

export interface Attempt {
  /** When it aborts the attempt must end soon. */
  readonly signal: AbortSignal;
  /** To be called when the store answered: what takes long from then on is work. */
  readonly answered: () => void;
}

export interface AwaitStoreOptions<Opened> {
  /** What is waited for, where it is told that it says nothing: its address. */
  readonly address: string;
  /** One attempt. Where it rejects it must hold nothing. */
  readonly open: (attempt: Attempt) => Promise<Opened>;
  /** Whether a later attempt may succeed where this one failed. */
  readonly mayPass: (error: unknown) => boolean;
  /** Why it is not there: for every attempt that fails, and for one that takes long. */
  readonly onWaiting: (reason: string) => void;
  readonly log: TellLog;
  readonly pace?: Partial<AwaitStorePace>;
}

export interface AwaitStorePace {
  /** After the first attempt; the pause doubles up to the next. */
  readonly pauseMs: number;
  /** A store that is back is found within this. */
  readonly pauseMsMax: number;
  /** An attempt that takes longer is a wait as well: one that says nothing is given up later. */
  readonly silentMs: number;
}

const PACE: AwaitStorePace = { pauseMs: 500, pauseMsMax: 10_000, silentMs: 3_000 };
const AWAY = 'away';

/** Rejects with the first error that does not pass, or with the signal's reason. */
export async function awaitStore<Opened>(options: AwaitStoreOptions<Opened>, signal: AbortSignal): Promise<Opened> {
  const { address, open, mayPass, onWaiting, log } = options;
  const { pauseMs, pauseMsMax, silentMs } = { ...PACE, ...options.pace };
  const troubles = new TroubleLog(log);
  const wait = (reason: string): void => {
    const message = 'waiting for the store; telemetry is taken meanwhile, and waits on the disk';
    troubles.failed(AWAY, { level: 'warn', message, reason });
    onWaiting(reason);
  };
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    const silence = `It has not answered for ${formatDuration(silentMs)}: ${address}.`;
    const silent = setTimeout(() => wait(silence), silentMs);
    try {
      const opened = await open({ signal, answered: () => clearTimeout(silent) });
      troubles.over(AWAY, 'the store is there');
      return opened;
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      wait(describeError(error));
    } finally {
      clearTimeout(silent);
    }
    // Replicas that lost one server together should not come back to it together.
    const jitter = 0.75 + Math.random() * 0.5;
    await sleep(Math.min(pauseMs * 2 ** attempt, pauseMsMax) * jitter, signal);
  }
}
