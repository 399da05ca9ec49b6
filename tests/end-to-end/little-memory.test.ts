/** A daemon in a small container: has smaller limits, tells so, and takes telemetry all the same. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runPlumbline, startDaemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MIB = 1024 * 1024;

/** What Node says of a container with so much memory. */
function inContainer(bytes: number): Record<string, string> {
  return { NODE_OPTIONS: `--import=data:text/javascript,process.constrainedMemory=()=>${bytes}` };
}

async function statusOf(otlp: string, bodyBytes: number): Promise<number> {
  // One attribute of one span, which is no call: only its length matters.
  const value = { stringValue: 'x'.repeat(bodyBytes) };
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 's', attributes: [{ key: 'k', value }] };
  const { status } = await fetch(new URL('/v1/traces', otlp), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  return status;
}

test.each([
  {
    mib: 512,
    largestMib: 16,
    told: 'There are 512 MiB of memory for the daemon',
    doctor: /warning\s+memory: There are /,
  },
  { mib: 1_024, largestMib: 25, told: null, doctor: /ok\s+memory: 1024 MiB/ },
])('with $mib MiB', async ({ mib, largestMib, told, doctor }) => {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
  const environment = inContainer(mib * MIB);
  expect((await runPlumbline(directory, ['doctor'], environment)).stdout).toMatch(doctor);

  const daemon = await startDaemon(directory, [], environment);
  try {
    expect(await statusOf(daemon.otlp, (largestMib - 1) * MIB)).toBe(200);
    expect(await statusOf(daemon.otlp, (largestMib + 1) * MIB)).toBe(413);
  } finally {
    await daemon.stop();
  }
  expect(/There are .* of memory for the daemon/.exec(daemon.printed())?.[0] ?? null).toBe(told);
});
