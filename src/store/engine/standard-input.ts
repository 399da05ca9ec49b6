/**
 * Keeps the embedded engine away from this process's standard input. With each insert it looks
 * there for more rows, as the command line tool that it is made from does: what somebody pipes into
 * the daemon would be inserted, and of two inserts at the same time one can wait for input forever
 * (the other sets the descriptor back to blocking between its check and its read).
 */

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Fault } from '../../contract/fault.ts';

const STANDARD_INPUT = 0;
const NOTHING = '/dev/null';

/**
 * Replaces a standard input that is a pipe, a socket or a file by `/dev/null`, for good. A terminal
 * stays: the engine does not read from one. Throws a `Fault` when it can't be done.
 */
export function detachStandardInput(): void {
  if (isatty(STANDARD_INPUT) || isNothing()) return;
  try {
    closeSync(STANDARD_INPUT);
  } catch {
    // Started without one.
  }
  // A new descriptor gets the lowest number that is free.
  const opened = openSync(NOTHING, 'r');
  if (opened === STANDARD_INPUT) return;
  closeSync(opened);
  throw new Fault('config', 'The embedded ClickHouse needs an empty standard input, and it could not be replaced.', {
    hint: `Start it again with < ${NOTHING}.`,
  });
}

function isNothing(): boolean {
  try {
    const input = fstatSync(STANDARD_INPUT);
    return input.isCharacterDevice() && input.rdev === statSync(NOTHING).rdev;
  } catch {
    return false;
  }
}
