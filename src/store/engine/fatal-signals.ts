/**
 * How a process ends that has the engine open. The engine answers a fatal signal itself and then waits
 * for minutes, in which the process holds its ports and its directory and does nothing. For SIGABRT,
 * which is how V8 ends when it has no memory left, that is taken back: whoever restarts the daemon sees
 * at once that it is gone.
 */

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
 * engine, and then waits for those minutes. Such a process is gone at once instead. To be called when
 * the engine has started; what it returns, when it is closed.
 */
export function endAtExit(): () => void {
  process.once('exit', endAtOnce);
  return () => process.off('exit', endAtOnce);
}

function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}
