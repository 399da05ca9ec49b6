/**
 * The watch over what the registry declares. What a look costs: a thousand versions with a cost and a score, two weeks of
 * calls, and then an hour with a million. And with `--quality` how good it is: false alarms,
 * and hours until a change is told, of calls that are drawn at random (always the same). CPU counts all threads.
 *
 * `npm run bench -- baselines [--versions N] [--quality [MONTHS]] [--json]`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaselineStatus, HourOfMean } from '../src/contract/baseline-log.ts';
import type { Timestamp } from '../src/contract/time.ts';
import { addMillis, HOUR_MS, systemClock } from '../src/lib/time.ts';
import { followBaseline } from '../src/statistics/declared-baseline.ts';
import type { Database } from '../src/store/database.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { createStore } from '../src/store/index.ts';
import { migrate } from '../src/store/migrate.ts';
import { createInvocationLog } from '../src/store/telemetry/invocation-log.ts';
import { seededRandom, type Random } from './attribution/random.ts';
import { numberAfter } from './shared/arguments.ts';
import { effortOf, type Effort } from './shared/figures.ts';

const VERSIONS_DEFAULT = 1_000;
const MONTHS_DEFAULT = 1_000;
const HOURS = 14 * 24;
const CALLS_OF_LAST_HOUR = 1_000_000;
/** In an hour; what is read are sums, so it matters for the first look alone. */
const CALLS_OF_VERSION = 4;
const CALLS_PER_INSERT = 250_000;
const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const UNTIL = addMillis(START, HOURS * HOUR_MS);
const COST = 'cost_per_call_usd';
const ACCURACY = 'baseline_accuracy';
const DECLARED = new Map([
  [COST, 0.003],
  [ACCURACY, 0.9],
]);

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--quality')) {
    const rows = quality(numberAfter(args, '--quality', MONTHS_DEFAULT));
    if (args.includes('--json')) console.log(JSON.stringify({ baselines: { quality: rows } }));
    else for (const row of rows) console.log(`  ${row.name.padEnd(60)} ${row.words}`);
    return;
  }
  const versions = numberAfter(args, '--versions', VERSIONS_DEFAULT);
  const results = await measureLooks(versions);
  if (args.includes('--json')) console.log(JSON.stringify({ baselines: { versions, results } }));
  else {
    console.log(`${versions} versions with two metrics, in each of ${HOURS} hours`);
    for (const { name, ms, cpu_ms } of results) console.log(`  ${name.padEnd(66)} ${ms} ms, ${cpu_ms} ms CPU`);
  }
}

interface Measured extends Effort {
  readonly name: string;
}

async function measureLooks(versions: number): Promise<readonly Measured[]> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-baselines-'));
  const database = await openDatabase({ path: directory }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    const look = looker(database, versions);
    await insertCalls(database, { versions, count: versions * HOURS * CALLS_OF_VERSION, fromHour: 0, hours: HOURS });
    await asIfLongAgo(database);
    const first = await measure(`the first look, at ${versions * HOURS * CALLS_OF_VERSION} calls`, () => look(UNTIL));
    await insertCalls(database, { versions, count: CALLS_OF_LAST_HOUR, fromHour: HOURS, hours: 1 });
    await asIfLongAgo(database);
    const next = addMillis(UNTIL, HOUR_MS);
    return [
      first,
      await measure(`the next, with an hour of ${CALLS_OF_LAST_HOUR} calls that were not added up`, () => look(next)),
      await measure('one with nothing new', () => look(next)),
    ];
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All that a look does, but for incidents. */
function looker(database: Database, versions: number): (until: Timestamp) => Promise<void> {
  const store = createStore(database, systemClock);
  const calls = createInvocationLog(database, store.texts);
  const of = Array.from({ length: versions }, (_, index) =>
    [...DECLARED].map(([metric, declared]) => ({ prompt: `prompt-${index}`, version: '1', metric, declared })),
  ).flat();
  return async (until) => {
    const from = addMillis(until, -HOURS * HOUR_MS);
    const means = await calls.means({ from, to: until, of, seriesMax: of.length });
    if (means.length !== of.length) throw new Error(`${means.length} of ${of.length} series have means.`);
    const known = new Map((await store.baselines.statuses()).map((one) => [JSON.stringify(one.series), one]));
    const statuses = means.map(({ series, hours }) => {
      const declared = DECLARED.get(series.metric) as number;
      return followBaseline(known.get(JSON.stringify(series)) ?? null, {
        series,
        declared,
        at: until,
        hours,
        from,
        until,
      });
    });
    // What is off costs more, and hardly ever is.
    const off = statuses.filter(({ state }) => state === 'off').length;
    if (off > 0) throw new Error(`${off} of ${of.length} are off.`);
    await store.baselines.keepStatuses(statuses);
  };
}

/** What was written just now is not added up: it may change. */
async function asIfLongAgo(database: Database): Promise<void> {
  await database.command(
    'CREATE OR REPLACE TABLE changes_of_bench ENGINE = Memory AS SELECT hour, sum(rows) AS rows FROM usage_changes GROUP BY hour',
  );
  await database.command('TRUNCATE TABLE usage_changes');
  await database.command(
    "INSERT INTO usage_changes SELECT hour, rows, now('UTC') - INTERVAL 1 HOUR FROM changes_of_bench",
  );
}

async function insertCalls(
  database: Database,
  { versions, count, fromHour, hours }: Readonly<Record<'versions' | 'count' | 'fromHour' | 'hours', number>>,
): Promise<void> {
  for (let from = 0; from < count; from += CALLS_PER_INSERT) {
    await database.command(
      `INSERT INTO invocations (trace_id, span_id, started_at, ended_at, ingested_at, service, environment, operation,
         request_model, response_model, prompt, version, owner, extras, input_tokens, output_tokens, cost_usd, revision)
       SELECT lower(hex(sipHash128(n, ${fromHour}))), lower(hex(sipHash64(n, ${fromHour}))),
         {start:DateTime64(9, 'UTC')} + toIntervalMillisecond(intDiv(n * ${hours * HOUR_MS}, ${count})) AS started,
         started, started, concat('service-', toString(n % 3)), 'production', 'chat', 'model-a', 'model-a',
         concat('prompt-', toString(intDiv(n, 3) % ${versions})), '1', 'team',
         concat('{"evaluations":[{"name":"accuracy","score":', if(sipHash64(n, 3) % 10 = 0, '0', '1'), ',"label":null}]}'),
         300, 100, toDecimal64(0.001 + (sipHash64(n, 2) % 4000) / 1000000, 10), 1
       FROM (SELECT number + ${from} AS n FROM numbers(${Math.min(CALLS_PER_INSERT, count - from)}))`,
      { start: addMillis(START, fromHour * HOUR_MS) },
    );
  }
}

async function measure(name: string, work: () => Promise<void>): Promise<Measured> {
  return { name, ...(await effortOf(work)) };
}

interface Quality {
  readonly name: string;
  readonly words: string;
}

/** The mean of the calls of an hour; null: there were none. */
type Hours = (hour: number) => Omit<HourOfMean, 'hour'> | null;

function quality(months: number): readonly Quality[] {
  const random = seededRandom(20_261_201);
  const by = (perHour: number, spread: number, level: (hour: number) => number): Hours =>
    costs(random, perHour, spread, level);
  const rows: Quality[] = [];
  for (const perHour of [1, 5, 50]) {
    const name = `${perHour} calls an hour`;
    const night = (hour: number): number => (hour % 24 < 8 ? 2 : 0.5);
    rows.push(falseAlarms(`${name}, as declared`, months, () => by(perHour, 1, () => 1)));
    rows.push(falseAlarms(`${name}, as declared, very different costs`, months, () => by(perHour, 2, () => 1)));
    rows.push(falseAlarms(`${name}, as declared, nights four times days`, months, () => by(perHour, 1, night)));
    rows.push(falseAlarms(`${name}, a quarter more than declared`, months, () => by(perHour, 1, () => 1.25)));
    rows.push(falseAlarms(`${name} judged, as declared`, months, () => scores(random, perHour, () => 0.94), ACCURACY));
  }
  for (const perHour of [1, 5, 50, 500]) {
    for (const times of [1.5, 2, 3, 10])
      rows.push(delays(`${perHour} calls an hour, ${times} times as much`, () => by(perHour, 1, after(1, times))));
    for (const score of [0.9, 0.8, 0.5])
      rows.push(
        delays(
          `${perHour} calls an hour judged, ${score} instead of 0.94`,
          () => scores(random, perHour, after(0.94, score)),
          ACCURACY,
        ),
      );
  }
  for (const perHour of [1, 5, 50]) {
    const twice = (hour: number): number => (hour >= CHANGED_AT && hour < BACK_AT ? 2 : 1);
    rows.push(returns(`${perHour} calls an hour that cost twice as much`, () => by(perHour, 1, twice)));
  }
  return rows;
}

const CHANGED_AT = 168;
const RUNS = 100;
const MONTH_HOURS = 720;
const BACK_AT = CHANGED_AT + 2 * MONTH_HOURS;
const RETURNS = 20;
/** Rather than all of them: their mean is as good as normal. */
const DRAWN_MAX = 200;

function after(before: number, since: number): (hour: number) => number {
  return (hour) => (hour < CHANGED_AT ? before : since);
}

function falseAlarms(name: string, months: number, hours: () => Hours, metric = COST): Quality {
  let alarms = 0;
  for (let month = 0; month < months; month += 1) if (hoursUntilOff(hours(), metric, MONTH_HOURS) !== null) alarms += 1;
  return { name, words: `${alarms} false alarms in ${months} months` };
}

function delays(name: string, hours: () => Hours, metric = COST): Quality {
  const found = Array.from({ length: RUNS }, () => hoursUntilOff(hours(), metric, CHANGED_AT + 336) ?? Infinity)
    .map((hour) => hour + 1 - CHANGED_AT)
    .toSorted((a, b) => a - b);
  const within = found.filter((hour) => hour <= 336).length;
  return {
    name,
    words: `${within} of ${RUNS} told, after ${found[RUNS / 2 - 1]} h, nine of ten ${found[0.9 * RUNS - 1]} h`,
  };
}

/** Of calls that are off for two months, and then as declared. */
function returns(name: string, hours: () => Hours): Quality {
  let mistakes = 0;
  const found: number[] = [];
  for (let course = 0; course < RETURNS; course += 1) {
    let isOff = false;
    for (const { index, state } of follow(hours(), COST, BACK_AT + 336)) {
      if (isOff && state !== 'off' && index < BACK_AT) mistakes += 1;
      if (isOff && state !== 'off' && index >= BACK_AT) found.push(index + 1 - BACK_AT);
      isOff = state === 'off';
    }
  }
  const [half] = found.toSorted((a, b) => a - b).slice(Math.floor(found.length / 2));
  const months = (RETURNS * (BACK_AT - CHANGED_AT)) / MONTH_HOURS;
  return { name, words: `${mistakes} resolved by mistake in ${months} months; right ones after ${half} h` };
}

function hoursUntilOff(means: Hours, metric: string, count: number): number | null {
  for (const { index, state } of follow(means, metric, count)) if (state === 'off') return index;
  return null;
}

/** What is known after each hour. */
function* follow(
  means: Hours,
  metric: string,
  count: number,
): Generator<{ readonly index: number; readonly state: BaselineStatus['state'] }> {
  const hours: HourOfMean[] = [];
  const series = { environment: 'production', prompt: 'prompt', version: '1', metric };
  const declared = metric === COST ? 1 : 0.94;
  let status: BaselineStatus | null = null;
  for (let index = 0; index < count; index += 1) {
    const hour = addMillis(START, index * HOUR_MS);
    const mean = means(index);
    if (mean !== null) hours.push({ hour, ...mean });
    const until = addMillis(hour, HOUR_MS);
    const from = addMillis(until, -HOURS * HOUR_MS);
    while (hours[0] !== undefined && hours[0].hour < from) hours.shift();
    status = followBaseline(status, { series, declared, at: until, hours, from, until });
    yield { index, state: status.state };
  }
}

/** Lognormal; `spread` is of the logarithm. */
function costs(random: Random, perHour: number, spread: number, level: (hour: number) => number): Hours {
  return (hour) => {
    const of = poisson(random, perHour);
    if (of === 0) return null;
    const drawn = Math.min(of, DRAWN_MAX);
    let sum = 0;
    for (let call = 0; call < drawn; call += 1) sum += Math.exp(spread * normal(random) - (spread * spread) / 2);
    return { of, mean: (level(hour) * sum) / drawn };
  };
}

/** Zeros and ones. */
function scores(random: Random, perHour: number, level: (hour: number) => number): Hours {
  return (hour) => {
    const of = poisson(random, perHour);
    if (of === 0) return null;
    const drawn = Math.min(of, DRAWN_MAX);
    let sum = 0;
    for (let call = 0; call < drawn; call += 1) if (random.fraction() < level(hour)) sum += 1;
    return { of, mean: sum / drawn };
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

function poisson(random: Random, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  let [count, product] = [0, random.fraction()];
  while (product > Math.exp(-mean)) {
    count += 1;
    product *= random.fraction();
  }
  return count;
}
