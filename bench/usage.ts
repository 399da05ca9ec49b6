/**
 * What analysts wait for: usage of a day and of thirty days, and the first page of the list, over
 * calls that are made inside the engine, some of them replaced or taken back. Printed beside adding
 * up the calls themselves. CPU counts all threads, so it says the same on a busy machine.
 *
 * `npm run bench -- usage [--calls N] [--json]`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InvocationFilter, UsageGroup } from '../src/contract/invocation-log.ts';
import { systemClock } from '../src/lib/time.ts';
import { timestampFromMillis } from '../src/lib/time.ts';
import type { Database } from '../src/store/database.ts';
import { migrate } from '../src/store/migrate.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { createInvocationLog } from '../src/store/telemetry/invocation-log.ts';
import { OneAtATime } from '../src/lib/one-at-a-time.ts';
import { queryUsage } from '../src/store/telemetry/usage.ts';
import { createTextLog } from '../src/store/text-log.ts';
import { numberAfter } from './shared/arguments.ts';
import { effortOf, type Effort } from './shared/figures.ts';

const CALLS_DEFAULT = 2_000_000;
const CALLS_PER_INSERT = 250_000;
const DAYS = 30;
const START_MS = Date.UTC(2026, 9, 22);
const END_MS = START_MS + DAYS * 86_400_000;
const ROUNDS = 3;

interface Measured {
  readonly name: string;
  readonly first_ms: number;
  readonly next_ms: number;
  readonly first_cpu_ms: number;
  readonly next_cpu_ms: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const calls = numberAfter(args, '--calls', CALLS_DEFAULT);
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-usage-'));
  const database = await openDatabase({ path: directory }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    for (let from = 0; from < calls; from += CALLS_PER_INSERT) {
      const count = Math.min(CALLS_PER_INSERT, calls - from);
      await insertCalls(database, { from, count, calls, round: 0, where: '' });
      // Settled again soon after, as late spans do: five in a hundred; one in a hundred taken back.
      await insertCalls(database, { from, count, calls, round: 1, where: 'WHERE sipHash64(n, 20) % 20 = 0' });
      await insertCalls(database, { from, count, calls, round: 2, where: 'WHERE sipHash64(n, 21) % 100 = 0' });
    }
    const results = await measureAll(database);
    if (args.includes('--json')) console.log(JSON.stringify({ usage: { calls, results } }));
    else {
      console.log(`${calls} calls of ${DAYS} days`);
      for (const { name, first_ms, next_ms, first_cpu_ms, next_cpu_ms } of results)
        console.log(
          `  ${name.padEnd(40)} ${next_ms} ms, ${next_cpu_ms} ms CPU (the first time ${first_ms} ms, ${first_cpu_ms} ms CPU)`,
        );
    }
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureAll(database: Database): Promise<readonly Measured[]> {
  const to = timestampFromMillis(END_MS);
  const since = (days: number) => timestampFromMillis(END_MS - days * 86_400_000);
  const turns = new OneAtATime();
  const usage = (days: number, groupBy: readonly UsageGroup[], quietS: number) => () =>
    queryUsage(database, { groupBy, from: since(days), to }, { quietS, turns });
  const log = createInvocationLog(database, createTextLog(database));
  const list = (filter: InvocationFilter) => () => log.list(filter, { limit: 50 });
  // An hour that is never quiet is never added up.
  const [added, never] = [0, 1e9];
  return [
    await measure('day, from its calls', usage(1, ['prompt', 'version'], never)),
    await measure('30 days, from their calls', usage(DAYS, ['prompt', 'version'], never)),
    await measure('30 days, from their hours', usage(DAYS, ['prompt', 'version'], added)),
    await measure('30 days by day, from their hours', usage(DAYS, ['day'], added)),
    await measure('day, from its hours', usage(1, ['prompt', 'version'], added)),
    await measure('list, first page', list({})),
    await measure('list, first page of one prompt', list({ prompt: 'prompt-7' })),
    await measure('list of a prompt that is not there', list({ prompt: 'none' })),
  ];
}

async function measure(name: string, work: () => Promise<unknown>): Promise<Measured> {
  const first = await effortOf(work);
  const next: Effort[] = [];
  for (let round = 0; round < ROUNDS; round += 1) next.push(await effortOf(work));
  return {
    name,
    first_ms: first.ms,
    first_cpu_ms: first.cpu_ms,
    next_ms: Math.min(...next.map(({ ms }) => ms)),
    next_cpu_ms: Math.min(...next.map(({ cpu_ms }) => cpu_ms)),
  };
}

interface Portion {
  readonly from: number;
  readonly count: number;
  readonly calls: number;
  /** 0: as first settled; 1: settled again; 2: taken back. */
  readonly round: number;
  readonly where: string;
}

/** A prompt has one service, owner and model, and its version changes with the week, as in life. */
function insertCalls(database: Database, { from, count, calls, round, where }: Portion): Promise<void> {
  const text = (form: string, salt: number): string =>
    String.raw`concat('\\u0001${form}sha256:', lower(hex(sipHash128(n, ${salt}))), lower(hex(sipHash128(n, ${salt + 1}))))`;
  const message = (role: string, content: string): string =>
    `'{"role":"${role}","parts":[{"type":"text","text":"', ${content}, '"}]}'`;
  return database.command(
    `INSERT INTO invocations (trace_id, span_id, started_at, ended_at, ingested_at, service, instance, environment,
       operation, provider, request_model, response_model, response_id, prompt, version, owner, attribution_kind,
       prompt_hash, input, output, extras, finish_reasons, input_tokens, output_tokens, cache_read_tokens, cost_usd,
       price_id, latency_ms, first_token_ms, error_type, dialects, content_hash, revision, is_deleted)
     WITH sipHash64(n, 7) % 200 AS p
     SELECT lower(hex(sipHash128(n))), lower(hex(sipHash64(n, 1))),
       toDateTime64(${START_MS / 1_000}, 9, 'UTC') + toIntervalMillisecond(intDiv(n * ${END_MS - START_MS}, ${calls})) AS started,
       started + toIntervalMillisecond(900), started, concat('service-', toString(p % 5)), concat('i-', toString(n % 8)),
       ['production', 'production', 'production', 'staging'][1 + sipHash64(n, 4) % 4], 'chat', 'openai',
       ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5', 'o3'][1 + p % 4] AS model, model,
       concat('chatcmpl-', lower(hex(sipHash64(n, 6)))), concat('prompt-', toString(p)),
       toString(1 + intDiv(toDayOfMonth(started), 7) + (sipHash64(n, 8) % 20 = 0)), concat('team-', toString(p % 12)),
       'rendered', concat('sha256:', lower(hex(sipHash128(p))), lower(hex(sipHash128(p, 1)))),
       concat('[', ${message('system', text('t', 2))}, ',', ${message('user', text('t', 4))}, ']'),
       concat('[', ${message('assistant', text('t', 6))}, ']'), '{"settings":{"model":"gpt-4o"}}', ['stop'],
       300 + sipHash64(n, 10) % 4000, 20 + sipHash64(n, 11) % 600, sipHash64(n, 12) % 300,
       toDecimal64((300 + sipHash64(n, 10) % 4000) * 0.0000025, 10), 'genai-prices:openai/gpt-4o',
       300 + sipHash64(n, 13) % 9000, 100 + sipHash64(n, 14) % 900, if(sipHash64(n, 15) % 50 = 0, 'timeout', ''),
       ['semconv'], lower(hex(sipHash64(n, 16))), n + ${round * calls}, ${round === 2 ? 1 : 0}
     FROM (SELECT number + ${from} AS n FROM numbers(${count})) ${where}`,
  );
}
