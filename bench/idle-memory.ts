/** Resident memory of the idle daemon with the embedded store open, beside the limit we promise. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPlumbline, startDaemon } from '../tests/support/daemon.ts';

const LIMIT_MB = 700;
/** Long enough for several polls and for the engine's background threads to settle. */
const IDLE_SECONDS = 20;

export async function run(args: readonly string[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-idle-'));
  try {
    await runPlumbline(directory, ['init']);
    await runPlumbline(directory, ['lock']);
    const daemon = await startDaemon(directory);
    const samples: number[] = [];
    for (let second = 0; second < IDLE_SECONDS; second += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      samples.push(residentMb(daemon.process.pid ?? 0));
    }
    await daemon.stop();
    const last = samples.at(-1) ?? 0;
    const result = {
      idle_rss_mb: last,
      max_rss_mb: Math.max(...samples),
      limit_mb: LIMIT_MB,
      ratio: Number((last / LIMIT_MB).toFixed(2)),
    };
    if (args.includes('--json')) console.log(JSON.stringify(result));
    else
      console.log(
        `idle daemon: ${last} MB resident after ${IDLE_SECONDS} s (peak ${result.max_rss_mb} MB), ${result.ratio} of the limit of ${LIMIT_MB} MB`,
      );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes ?? 0) / 1024);
}
