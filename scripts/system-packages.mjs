/** The programs outside npm that the tests need: found, or installed where that is possible, or named. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NEEDED = [
  { debian: 'redis-server', programs: ['redis-server'], purpose: 'the queue on Redis' },
  {
    debian: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    purpose: 'the web page',
  },
];

/** Says in one line what it does, or what a person has to do. Does not fail: the tests that need it will. */
export function ensureSystemPackages() {
  const missing = NEEDED.filter(({ programs }) => !programs.some(isOnPath));
  if (missing.length === 0) return;
  const names = missing.map(({ debian }) => debian).join(' ');
  if (isOnPath('apt-get') && process.getuid?.() === 0) {
    process.stdout.write(`Installing ${names} with apt-get … `);
    // The package lists of a fresh container are empty, those of a running one mostly fine.
    const installed = aptGet(['install', ...missing]) || (aptGet(['update']) && aptGet(['install', ...missing]));
    process.stdout.write(installed ? 'done.\n' : 'failed.\n');
    if (installed) return;
  }
  for (const { debian, purpose } of missing) {
    process.stdout.write(
      `MISSING ${debian}: the tests of ${purpose} will fail. Install it: apt-get install ${debian}\n`,
    );
  }
}

function aptGet([action, ...packages]) {
  const args = [action, '-y', '--no-install-recommends', ...packages.map(({ debian }) => debian)];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { stdio: 'ignore', env }).status === 0;
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
