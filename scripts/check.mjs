/** `npm run check`: everything that CI checks without running the code. `scripts/test.mjs` runs it too. */

import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireNode } from '../bin/launch.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

const CHECKS = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'types of the package', command: ['tsc', '--noEmit', '--project', 'tsconfig.build.json'] },
  { name: 'types of the web page', command: ['tsc', '--noEmit', '--project', 'dashboards/web'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['oxfmt', '--check', '.'] },
  { name: 'unused code', command: ['knip', '--no-progress'] },
];

/** Runs them all, two at a time, prints a line for each and the words of those that failed. */
export async function runChecks() {
  const results = { passed: 0, failed: 0 };
  const waiting = [...CHECKS];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const { ok, output, seconds } = await runTool(check.command);
      results[ok ? 'passed' : 'failed'] += 1;
      process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${seconds.toFixed(1)} s)\n`);
      if (!ok) process.stdout.write(`${output.trim()}\n\n`);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}

/** Runs a tool from node_modules under our Node. */
function runTool([tool, ...args]) {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(requireNode(), [toolPath(tool), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('close', (code) => {
      resolve({ ok: code === 0, output, seconds: (performance.now() - startedMs) / 1000 });
    });
  });
}

export function toolPath(tool) {
  return realpathSync(join(ROOT, 'node_modules/.bin', tool));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled({ dev: true });
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
