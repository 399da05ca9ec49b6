/**
 * One hour of the watch over answers, with a thousand series: reading 64 answers of each and noting what they are like,
 * and comparing them with baselines and ten days of counts, beside the two seconds that comparing may take. CPU counts
 * all threads, so it says the same on a busy machine.
 *
 * `npm run bench -- outputs [--series N] [--json]`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HourOfSamples, OutputSeries } from '../src/contract/output-log.ts';
import type { Clock, Timestamp } from '../src/contract/time.ts';
import { OutputJudge } from '../src/daemon/outputs/output-judge.ts';
import { OutputReader } from '../src/daemon/outputs/output-reader.ts';
import { chunks } from '../src/lib/chunks.ts';
import { forEachConcurrently } from '../src/lib/limits.ts';
import { addMillis, HOUR_MS, systemClock } from '../src/lib/time.ts';
import { baselineOf } from '../src/statistics/output-baseline.ts';
import { featuresOf, FEATURES_ID } from '../src/statistics/output-features.ts';
import type { Database } from '../src/store/database.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { createStore } from '../src/store/index.ts';
import { migrate } from '../src/store/migrate.ts';
import { seededRandom, type Random } from './attribution/random.ts';
import { numberAfter } from './shared/arguments.ts';
import { effortOf, type Effort } from './shared/figures.ts';

const SERIES_DEFAULT = 1_000;
const ANSWERS = 64;
const HOURS = 240;
/** As `output-watch.ts` has it. */
const SERIES_AT_ONCE = 100;
const JUDGED_AT_ONCE = 2;
/** Of an hour's comparing over a thousand series. */
const BUDGET_MS = 2_000;
const HOUR = '2026-11-20T02:00:00.000000000Z' as Timestamp;
const CLOCK: Clock = { ...systemClock, now: () => addMillis(HOUR, HOUR_MS + 15 * 60_000) };
const WORDS = 'the order was sent on time and we look into what happened with your account before it is closed'.split(
  ' ',
);

interface Measured extends Effort {
  readonly name: string;
}

export async function run(args: readonly string[]): Promise<void> {
  const count = numberAfter(args, '--series', SERIES_DEFAULT);
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-outputs-'));
  const database = await openDatabase({ path: directory }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    const { results, bytes } = await measureAll(database, count);
    const ratio = Number(((results.at(-1)?.ms ?? 0) / ((BUDGET_MS * count) / SERIES_DEFAULT)).toFixed(2));
    if (args.includes('--json'))
      console.log(JSON.stringify({ outputs: { series: count, results, ratio, sample_bytes: bytes } }));
    else {
      console.log(`${count} series, ${ANSWERS} answers of an hour each`);
      for (const { name, ms, cpu_ms } of results) console.log(`  ${name.padEnd(42)} ${ms} ms, ${cpu_ms} ms CPU`);
      console.log(`  ratio of the last to its limit             ${ratio}`);
      console.log(`  on disk                                    ${bytes} B a sampled answer`);
    }
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureAll(
  database: Database,
  count: number,
): Promise<{ readonly results: readonly Measured[]; readonly bytes: number }> {
  const { outputs } = createStore(database, systemClock);
  const series = Array.from({ length: count }, (_, index) => seriesOf(index));
  await writeCalls(database, series);
  const reader = new OutputReader({
    outputs,
    clock: CLOCK,
    onProgress: () => undefined,
    onCut: () => undefined,
  });
  const { signal } = new AbortController();
  const read = await measure('reading an hour, and noting it', async () => {
    await reader.read(signal, () => undefined);
  });
  const bytes = await bytesOfSample(database);
  await writeHistory(database, outputs, series);
  const judge = new OutputJudge({ outputs, clock: CLOCK, isAccepted: () => Promise.resolve(false) });
  const extents = await outputs.extents(FEATURES_ID, HOUR);
  const compared = await measure('comparing it with baselines and ten days', async () => {
    await forEachConcurrently(chunks(extents, SERIES_AT_ONCE), JUDGED_AT_ONCE, async (some) => {
      await judge.judge(
        some.map((extent) => ({ extent, known: null, notedFrom: null })),
        HOUR,
      );
    });
  });
  // What changed costs more, and hardly ever does.
  const asBefore = (await outputs.statuses()).filter(({ state }) => state === 'watching');
  if (asBefore.length !== count) throw new Error(`Only ${asBefore.length} of ${count} series are as before.`);
  return { results: [read, compared], bytes };
}

async function bytesOfSample(database: Database): Promise<number> {
  const [row] = await database.query<{ bytes: number }>(
    `SELECT toFloat64(sum(bytes_on_disk) / sum(rows)) AS bytes FROM system.parts
     WHERE database = currentDatabase() AND table = 'output_samples' AND active`,
  );
  return Math.round(row?.bytes ?? 0);
}

function seriesOf(index: number): OutputSeries {
  return { environment: 'production', prompt: `prompt-${index}`, version: '1', model: 'model-a' };
}

function answer(random: Random): string {
  const words = Array.from({ length: 100 + random.below(100) }, () => random.pick(WORDS));
  return `This is the answer. ${words.join(' ')}.`;
}

async function writeCalls(database: Database, series: readonly OutputSeries[]): Promise<void> {
  const random = seededRandom(7);
  for (const some of chunks([...series.entries()], 50)) {
    const rows = some.flatMap(([index, { prompt, version, model }]) =>
      Array.from({ length: ANSWERS }, (_, call) => ({
        trace_id: String(index * ANSWERS + call).padStart(32, '0'),
        span_id: String(call).padStart(16, '0'),
        started_at: addMillis(HOUR, call * 1_000),
        environment: 'production',
        operation: 'chat',
        prompt,
        version,
        request_model: model,
        response_model: model,
        output: JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', text: answer(random) }] }]),
        finish_reasons: ['stop'],
        output_tokens: 200,
        input_tokens: 500,
        revision: '1',
      })),
    );
    await database.insert('invocations', rows);
  }
}

/** The same baseline for all of them, and hours that are like it. */
async function writeHistory(
  database: Database,
  outputs: ReturnType<typeof createStore>['outputs'],
  series: readonly OutputSeries[],
): Promise<void> {
  const random = seededRandom(8);
  const from = addMillis(HOUR, -(HOURS + 168) * HOUR_MS);
  const until = addMillis(HOUR, -HOURS * HOUR_MS);
  const hours = Array.from({ length: 168 }, (_, index): HourOfSamples => {
    const hour = addMillis(from, index * HOUR_MS);
    const samples = Array.from({ length: 20 }, (_one, at) => ({
      traceId: `${index}`,
      spanId: `${at}`,
      startedAt: hour,
      ...featuresOf({
        text: answer(random),
        tools: [],
        finishReason: 'stop',
        responseModel: 'model-a',
        outputTokens: 200,
        inputTokens: 500,
      }),
    }));
    return { hour, samples };
  });
  const made = baselineOf({ series: seriesOf(0), madeAt: until, from, until, hours });
  await outputs.keepBaselines(series.map((one) => ({ ...made, series: one })));
  await database.command(
    `INSERT INTO output_counts (prompt, environment, version, model, made_at, hour, outputs, counts)
     SELECT concat('prompt-', toString(number % ${series.length})), 'production', '1', 'model-a',
       {until:DateTime64(9, 'UTC')}, toDateTime({until:DateTime64(9, 'UTC')}) + 3600 * intDiv(number, ${series.length}),
       ${ANSWERS}, arrayMap(count -> toUInt32(round(count * ${ANSWERS / made.outputs})), {counts:Array(UInt32)})
     FROM numbers(${series.length * HOURS})`,
    { until, counts: made.counts },
  );
}

async function measure(name: string, work: () => Promise<void>): Promise<Measured> {
  return { name, ...(await effortOf(work)) };
}
