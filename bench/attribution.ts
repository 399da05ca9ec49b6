/**
 * `npm run bench -- attribution [--json] [--data DIR] [--versions 100,1000]`: speed and accuracy of
 * attribution. With `--json` exactly one object on standard output; `--data` takes real histories
 * (JSON lines with `key`, `text` and `fmt`, oldest first) instead of made-up ones.
 */

import { parseArgs } from 'node:util';

import { measureAccuracy } from './attribution/accuracy.ts';
import type { Accuracy } from './attribution/accuracy.ts';
import { generatedHistories, realHistories, resized, versionsOf } from './attribution/histories.ts';
import { seededRandom } from './attribution/random.ts';
import { measureSpeed } from './attribution/speed.ts';
import type { SpeedResult } from './attribution/speed.ts';

const SIZES = '100,1000,10000,100000';
const ACCURACY_VERSIONS = 4_000;
const SEED = 20_260;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, data: { type: 'string' }, versions: { type: 'string', default: SIZES } },
  });
  const report = values.json === true ? () => {} : (line: string) => console.log(line);
  const histories = values.data === undefined ? null : realHistories(values.data);
  const registry = (count: number): ReturnType<typeof versionsOf> => {
    const random = seededRandom(SEED + count);
    return versionsOf(histories === null ? generatedHistories(count, random) : resized(histories, count, random));
  };
  // Before the large registries fill the heap, which makes every pause of the collector longer.
  const accuracy = measureAccuracy(registry(ACCURACY_VERSIONS), seededRandom(SEED));
  report(HEADINGS);
  const results: SpeedResult[] = [];
  for (const size of values.versions.split(',').map(Number)) {
    const result = measureSpeed(registry(size), seededRandom(SEED));
    results.push(result);
    report(speedLine(result));
  }
  report(accuracyLines(accuracy));
  const last = results.at(-1);
  const json = {
    distinct: results.map(({ distinct }) => distinct),
    repeated: last?.repeated,
    unknown: last?.unknown,
    accuracy,
  };
  if (values.json === true) console.log(JSON.stringify(json));
}

const HEADINGS = `Attributions per second on one core, of distinct texts of 0.7 to 1.5 KB; × is the ratio to it.
versions  distinct/s   p50 µs   p99 µs  max ms | SHA-256/s     × | regex/s        × | one by one/s        × | repeated/s  unknown/s | build s      MB`;

function speedLine({ distinct, repeated, unknown }: SpeedResult): string {
  const cells = [
    [distinct.versions, 8],
    [distinct.per_second, 12],
    [distinct.p50_us, 9],
    [distinct.p99_us, 9],
    [distinct.max_ms, 8],
    ['|', 2],
    [distinct.sha256_per_second, 10],
    [distinct.ratio_to_sha256, 6],
    ['|', 2],
    [distinct.regex_per_second, 8],
    [distinct.ratio_to_regex, 9],
    ['|', 2],
    [distinct.brute_force_per_second, 13],
    [distinct.ratio_to_brute_force, 9],
    ['|', 2],
    [repeated.per_second, 11],
    [unknown.per_second, 11],
    ['|', 2],
    [distinct.build_s, 8],
    [distinct.memory_mb, 8],
  ] as const;
  return cells.map(([value, width]) => String(value).padStart(width)).join('');
}

function accuracyLines(accuracy: Accuracy): string {
  const share = (value: number): string => `${(value * 100).toFixed(2)} %`.padStart(9);
  const { left_out: leftOut } = accuracy;
  return `
Accuracy at ${ACCURACY_VERSIONS} versions
${share(accuracy.right_or_tied)}  of renders: the version, or a tie that contains it
${share(accuracy.wrong)}  of renders: another version alone
${share(accuracy.insufficient_evidence)}  of renders: insufficient evidence, said so
${share(accuracy.adversarial_right_or_tied)}  of renders with hostile content: right, or tied
${share(accuracy.unknown_called_known)}  of texts of no prompt: called a render
Newest versions left out of the registry, ${leftOut.renders} renders
${share(leftOut.masked)}  masked: they fit an older version as well
${share(leftOut.near_right_prompt)}  of the others: the nearest is of the right prompt (${share(leftOut.near_none).trim()} none)
     near miss p50 ${leftOut.near_p50_ms} ms, p99 ${leftOut.near_p99_ms} ms`;
}
