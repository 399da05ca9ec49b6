/** Directories that are gone when the test file is done. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export function tempDirectory(name = 'plumbline'): string {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
