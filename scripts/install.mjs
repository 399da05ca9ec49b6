/**
 * Brings `node_modules` to what package-lock.json says, in a blink when it is there already. Plain
 * JavaScript without dependencies: it runs on the machine's own Node, before anything is installed.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Installs what is missing. `dev`: also what only tests and checks need. Ends the process when it can't. */
export function ensureInstalled({ dev = false } = {}) {
  const wanted = readLock('package-lock.json');
  if (wanted === null) fail('package-lock.json is missing or broken; get it back with git.');
  const reason = whyInstall(wanted, readLock('node_modules/.package-lock.json'), dev);
  if (reason === null) return;
  const startedMs = performance.now();
  process.stdout.write(`Installing npm packages (${reason}), up to a minute … `);
  // What only tests need would double the wait for the first start.
  const include = ['--include=optional', dev ? '--include=dev' : '--omit=dev'];
  const result = npm(['ci', ...include, '--engine-strict=false', '--loglevel=error', '--no-progress']);
  if (result.status !== 0) {
    process.stdout.write('failed.\n');
    // npm explains its options at length; what went wrong stands at the beginning.
    const words = `${result.error?.message ?? ''}${result.stderr ?? ''}`.split('\n').slice(0, 20).join('\n');
    fail(`${words}\nnpm ci failed; run it by hand to see everything it says.`);
  }
  process.stdout.write(`done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.\n`);
}

/** npm's own record of what it installed, compared with the lock; null if they agree. */
export function whyInstall(wanted, installed, dev) {
  if (installed === null) return 'first start';
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === '' || entry.link) continue;
    const found = installed.packages[path];
    // A package of another platform is rightly absent, and so is a test tool where nobody tests.
    if (found === undefined && (entry.optional || entry.devOptional || (entry.dev && !dev))) continue;
    if (found?.version !== entry.version) return `${path.replace(/^.*node_modules\//, '')} ${entry.version} is new`;
  }
  return null;
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(`${ROOT}/${path}`, 'utf8'));
  } catch {
    return null;
  }
}

/** The npm that started us, if one did: it is the one whose settings and cache count. */
function npm(args) {
  const cli = process.env.npm_execpath;
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] };
  if (cli?.endsWith('.js')) return spawnSync(process.execPath, [cli, ...args], options);
  return spawnSync('npm', args, options);
}

function fail(message) {
  process.stderr.write(`${message.trim()}\n`);
  process.exit(2);
}
