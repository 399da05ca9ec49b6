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
  const { directory, signal } = await endOf(how);
  expect(signal).toBe('SIGABRT');
  await (await openDatabase({ path: directory }, '1.0.0', systemClock)).close();
});

it.each([
  ['throw', 1, /Error: planted\n +at .*store-holder\.ts:\d+/],
  ['reject', 1, /Error: planted\n +at .*store-holder\.ts:\d+[^]*cause\]: Error: the cause/],
  ['exit', 3, /^$/],
])(
  'says what nobody caught, and ends with its exit code (%s)',
  { timeout: 2 * ENDS_WITHIN_MS },
  async (how, ...said) => {
    const { directory, code, errors } = await endOf(how);
    expect([code, errors]).toEqual([said[0], expect.stringMatching(said[1])]);
    await (await openDatabase({ path: directory }, '1.0.0', systemClock)).close();
  },
);

interface End {
  readonly directory: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly errors: string;
}

async function endOf(how: string): Promise<End> {
  const directory = tempDirectory();
  const child = spawn(process.execPath, [HOLDER, directory, how], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const closed = once(child, 'close');
  const late = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  await once(child.stdout, 'data');
  if (how === 'wait') child.kill('SIGABRT');
  const [code, signal] = (await closed) as [number | null, string | null];
  clearTimeout(late);
  return { directory, code, signal, errors };
}
