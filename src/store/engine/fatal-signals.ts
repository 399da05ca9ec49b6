/**
 * How a process ends that has the engine open. The engine answers a fatal signal itself and then waits
 * for minutes, in which the process holds its ports and its directory and does nothing. For SIGABRT,
 * which is how V8 ends when it has no memory left, that is taken back: whoever restarts the daemon sees
 * at once that it is gone.
 */

import { inspect } from 'node:util';
import { forTerminal } from '../../text/invisible.ts';

let isWatching = false;

/** To be called when the engine has started, since the last to install a handler has it. Once is enough. */
export function endAtAbort(): void {
  if (isWatching) return;
  isWatching = true;
  // `abort()` ends the process as soon as a handler returns; a signal from outside is passed on without one.
  process.once('SIGABRT', () => process.kill(process.pid, 'SIGABRT'));
}

/**
 * An exit that comes while the engine works, as after an exception that nobody caught, crashes in the
 * engine, and then waits for those minutes. Such a process says what the exception was and is gone at once
 * instead, with the exit code that it would have had. To be called when the engine has started; what it
 * returns, when it is closed.
 */
export function endAtExit(): () => void {
  process.on('uncaughtExceptionMonitor', tellUncaught);
  process.once('exit', endAtOnce);
  return () => {
    process.off('uncaughtExceptionMonitor', tellUncaught);
    process.off('exit', endAtOnce);
  };
}

/** Node would tell of it after the event `exit`, and so never. */
function tellUncaught(error: unknown): void {
  const isTaken = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
  if (isTaken) return;
  process.stderr.write(`Nobody caught this, so the process ends: ${forTerminal(inspect(error))}\n`);
}

/** No code of the engine runs when another program takes the place of this one, and only a program has an exit code. */
function endAtOnce(code: number): void {
  process.execve?.(process.execPath, [process.execPath, '--eval', `process.exitCode = ${code}`], {});
  // On a system that can't do that.
  process.kill(process.pid, 'SIGKILL');
}
