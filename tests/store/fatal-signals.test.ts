/** A process with the embedded engine that can't go on ends at once, and its directory is free. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const HOLDER = join(import.meta.dirname, '..', 'support', 'store-holder.ts');
// The engine alone would wait for five minutes.
const ENDS_WITHIN_MS = 60_000;

it.each(['abort', 'wait'])('ends by SIGABRT (%s)', { timeout: 2 * ENDS_WITHIN_MS }, async (how) => {
  const directory = tempDirectory();
  const child = spawn(process.execPath, [HOLDER, directory, how], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  const late = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  await once(child.stdout, 'data');
  if (how === 'wait') child.kill('SIGABRT');
  const [, signal] = (await exit) as [number | null, string | null];
  clearTimeout(late);
  expect(signal).toBe('SIGABRT');
  await (await openDatabase({ path: directory }, '1.0.0', systemClock)).close();
});
