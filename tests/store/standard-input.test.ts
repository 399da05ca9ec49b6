/** The embedded engine looks for rows on standard input with each insert, and must find none there. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';

const WRITER = join(import.meta.dirname, '..', 'support', 'parallel-inserts.ts');
const ROUNDS = 300;

it.each(['left open', 'with rows in it', 'closed'])(
  'inserts go on beside a pipe as standard input, %s',
  async (kind) => {
    const child = spawn(process.execPath, [WRITER, tempDirectory(), String(ROUNDS)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    // It may be gone before all is written.
    child.stdin.on('error', () => {});
    if (kind === 'with rows in it') child.stdin.write('{"id":"1000000"}\n'.repeat(100));
    if (kind === 'closed') child.stdin.end();
    const exit = once(child, 'exit');
    expect(await text(child.stdout)).toBe(`${ROUNDS * 3} rows, greatest ${ROUNDS * 3 - 1}\n`);
    expect(await exit).toEqual([0, null]);
  },
);
