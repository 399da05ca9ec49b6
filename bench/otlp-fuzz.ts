/** Broken telemetry in any number: `node bench/otlp-fuzz.ts [bodies] [first seed]`. Ends with an error that names the seed. */

import { fuzz } from '../tests/otlp/fuzz.ts';

const BODIES_DEFAULT = 100_000;
/** So often a line is printed, and memory looked at. */
const ROUND = 20_000;

const bodies = Number(process.argv[2] ?? BODIES_DEFAULT);
const firstSeed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);

const start = performance.now();
for (let done = 0; done < bodies; done += ROUND) {
  const count = Math.min(ROUND, bodies - done);
  const { decoded, refused, invocations } = fuzz(count, firstSeed + done);
  const heapMb = Math.round(process.memoryUsage().heapUsed / 1e6);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stdout.write(
    `${done + count} bodies in ${seconds} s: ${decoded} read, ${refused} refused, ${invocations} invocations; heap ${heapMb} MB; seeds from ${firstSeed + done}\n`,
  );
}
