/** The programs outside npm that the tests need: found, or installed where that is possible, or named. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NEEDED = [
  { debian: 'redis-server', programs: ['redis-server'], purpose: 'the queue on Redis' },
  { debian: 'mariadb-server-core', programs: ['mariadbd'], purpose: 'prompts in MySQL and MariaDB' },
  // It has `my_print_defaults`, without which no data directory can be made.
  { debian: 'mariadb-client-core', programs: ['my_print_defaults'], purpose: 'prompts in MySQL and MariaDB' },
  { debian: 'postgresql', programs: ['postgres'], purpose: 'prompts in PostgreSQL' },
  { debian: 'prometheus', programs: ['prometheus'], purpose: 'metrics and their alerts' },
  {
    debian: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    purpose: 'the web page',
  },
];

/** Debian puts servers where not everybody's path leads; PostgreSQL below a directory for each version. */
const SERVERS = '/usr/sbin';
const POSTGRESQL = '/usr/lib/postgresql';

/** Says in one line what it does, or what a person has to do. Does not fail: the tests that need it will. */
export function ensureSystemPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (findProgram('apt-get') !== null && process.getuid?.() === 0) {
    process.stdout.write(`Installing ${missing.map(({ debian }) => debian).join(' ')} with apt-get … `);
    // The package lists of a fresh container are empty, those of a running one mostly fine.
    if (!install(missing) && aptGet('update') && !install(missing)) {
      // One that this release does not have must not keep the others away.
      for (const one of missing) install([one]);
    }
    process.stdout.write(missingPackages().length === 0 ? 'done.\n' : 'failed.\n');
  }
  for (const { debian, purpose } of missingPackages()) {
    process.stdout.write(
      `MISSING ${debian}: the tests of ${purpose} will fail. Install it: apt-get install ${debian}\n`,
    );
  }
}

function missingPackages() {
  return NEEDED.filter(({ programs }) => programs.every((program) => findProgram(program) === null));
}

function install(packages) {
  return aptGet('install', '--no-install-recommends', ...packages.map(({ debian }) => debian));
}

function aptGet(action, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', [action, '-y', ...args], { stdio: 'ignore', env }).status === 0;
}

/** The file of a program, or null. Of several versions of PostgreSQL the newest. */
export function findProgram(program) {
  const onPath = (process.env.PATH ?? '').split(delimiter);
  const postgresql = namesIn(POSTGRESQL).toSorted((a, b) => Number(b) - Number(a));
  const directories = [...onPath, SERVERS, ...postgresql.map((version) => join(POSTGRESQL, version, 'bin'))];
  return directories.map((directory) => join(directory, program)).find(isExecutable) ?? null;
}

function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
