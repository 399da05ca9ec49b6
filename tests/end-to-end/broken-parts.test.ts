/** A part of a table that the engine finds broken and goes on without is told at the start, in /readyz and by doctor. */

import { globSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, runPlumbline, startDaemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const TOLD = /1 part of the table observations with 1 row \(\d+ (B|KiB)\) was found broken and set aside in (\S+): /;

test('what the store had to go on without is told', async () => {
  const directory = tempDirectory();
  mkdirSync(join(directory, 'live'));
  writeFileSync(join(directory, 'live/a.txt'), 'Hello.');
  const target = '{ prompt: a, path: ./live/a.txt }';
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `sources: [{ name: s, type: files, environment: production, every: 1h, targets: [${target}] }]\n`,
  );
  const before = await startDaemon(directory);
  await eventually(async () => (await before.get('/api/v1/observations')).data.length === 1);
  expect(await before.get('/readyz')).toEqual({ status: 'ready', problems: [] });
  await before.stop();

  // A part of `observations`: the table that is ordered by target, part and time.
  const parts = globSync(join(directory, 'data/clickhouse/store/*/*/*/columns.txt'));
  const part = parts.find(
    (file) =>
      readFileSync(file, 'utf8').includes('strict_hash') &&
      globSync(join(file, '../minmax_observed_at.idx')).length > 0,
  );
  truncateSync(join(part ?? '', '../data.bin'), 3);

  const stopped = await runPlumbline(directory, ['doctor']);
  expect(stopped.stdout).toMatch(TOLD);
  expect(stopped.code).toBe(1);

  const after = await startDaemon(directory);
  try {
    expect(after.printed()).toMatch(TOLD);
    const { status, problems } = await after.get('/readyz');
    expect([status, problems.length]).toEqual(['ready', 1]);
    const aside = TOLD.exec(problems[0])?.[2] ?? '';
    expect(globSync(join(aside, 'broken-on-start_*/count.txt'))).toHaveLength(1);
    expect((await runPlumbline(directory, ['doctor'])).stdout).toMatch(TOLD);
  } finally {
    await after.stop();
  }
});
