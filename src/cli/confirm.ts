/** Asks a person at a terminal. */

import { createInterface } from 'node:readline/promises';
import { Fault } from '../contract/fault.ts';

/** Throws a `Fault` when nobody is there to answer. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Fault('config', 'Nobody is there to confirm it.', { hint: 'Nothing was written. Add --yes to write.' });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and the end of the input are answers too.
  const none = new AbortController();
  terminal.once('SIGINT', () => none.abort()).once('close', () => none.abort());
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal: none.signal })).trim());
  } catch (error) {
    if (!none.signal.aborted) throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}
