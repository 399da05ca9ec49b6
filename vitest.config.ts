/** How the tests run. Unit, contract and end-to-end tests alike: `tests/AREA/*.test.ts`. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // The embedded engine holds one data directory per process: every test file gets its own.
    pool: 'forks',
    // Many tests wait for other processes, so two pay off on two cores; more only starve each other.
    maxWorkers: 2,
    // No test is about time: these only end what hangs, on a machine that may be busy with other things.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
