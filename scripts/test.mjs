/**
 * `npm test`: everything that CI runs, on a machine that has only git and some Node. Ends with
 * `N passed, N failed`, where each static check counts as one test. `npm test -- FILTER` runs only
 * the test files that match.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireNode } from '../bin/launch.mjs';
import { runChecks, toolPath } from './check.mjs';
import { ensureInstalled, ROOT } from './install.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

const filters = process.argv.slice(2);
ensureInstalled({ dev: true });
ensureSystemPackages();
const checks = filters.length === 0 ? await runChecks() : { passed: 0, failed: 0 };
const tests = await runVitest(filters);
const failures = checks.failed + tests.failed;
if (tests.skipped > 0) process.stdout.write(`${tests.skipped} skipped\n`);
process.stdout.write(`${checks.passed + tests.passed} passed, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;

/** Vitest prints for people; the numbers come from its JSON report. */
async function runVitest(args) {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-test-'));
  const report = join(directory, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await new Promise((resolve) => {
      const child = spawn(requireNode(), [toolPath('vitest'), 'run', ...reporters, ...args], {
        cwd: ROOT,
        stdio: 'inherit',
      });
      child.once('exit', (code) => resolve(code ?? 1));
    });
    return countTests(report, exitCode);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A test file that breaks before its first test, and a vitest that breaks before its report, are one failure each. */
function countTests(report, exitCode) {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const broken = results.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failed = results.numFailedTests + broken.length;
  const skipped = results.numPendingTests + results.numTodoTests;
  // Errors outside any test, such as an unhandled rejection, show only in the exit code.
  return { passed: results.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
}
