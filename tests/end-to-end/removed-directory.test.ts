/** A data directory that somebody removes, or moves away, under the running daemon. */

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

async function problems(daemon: Daemon): Promise<readonly string[]> {
  return (await daemon.get('/readyz')).problems;
}

/** Also while the engine makes a file in it. */
function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

test('is a problem until it is back, and nobody is told at the end that all is stored', async () => {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
  const data = join(directory, 'data');
  const daemon = await startDaemon(directory);
  // It is at rest: what a start records has its entries in the audit chain.
  await eventually(async () => (await daemon.get('/api/v1/audit')).data.length > 1);
  renameSync(data, `${data}-elsewhere`);
  await eventually(async () => (await problems(daemon)).some((words) => words.includes(`${data} was removed`)));
  // The engine makes folders that it misses.
  remove(data);
  renameSync(`${data}-elsewhere`, data);
  await eventually(async () => (await problems(daemon)).length === 0);
  remove(data);
  expect(await daemon.stop()).toBe(1);
  expect(daemon.printed()).toMatch(/^Stopped\. The data directory .* was removed .* is lost\.$/m);
  expect(daemon.printed()).not.toContain('everything accepted is stored');
});
