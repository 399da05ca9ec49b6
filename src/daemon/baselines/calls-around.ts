/** What calls were like before they were off what is declared, and since: for who asks why. */

import type { BaselineChange, BaselineSeries, CallsOfPeriod } from '../../contract/baseline-log.ts';
import type { InvocationLog, UsageRow } from '../../contract/invocation-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';

/** A week has all hours and days of one. */
const BEFORE_MS = 7 * DAY_MS;

export async function withCallsAround(
  calls: Pick<InvocationLog, 'usage'>,
  series: BaselineSeries,
  change: BaselineChange,
  until: Timestamp,
): Promise<BaselineChange> {
  const [after] = change.between;
  const callsBefore = after === null ? null : await callsOf(calls, series, addMillis(after, -BEFORE_MS), after);
  return { ...change, callsBefore, callsSince: await callsOf(calls, series, change.sinceHour, until) };
}

async function callsOf(
  calls: Pick<InvocationLog, 'usage'>,
  { environment, prompt, version }: BaselineSeries,
  from: Timestamp,
  to: Timestamp,
): Promise<CallsOfPeriod | null> {
  const only = { environment, prompt, version };
  const rows = await calls.usage({ groupBy: ['model', 'service_tier'], from, to, only });
  const sum = (of: (row: UsageRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const count = sum((row) => row.calls);
  if (count === 0) return null;
  const input = sum((row) => row.input_tokens);
  return {
    calls: count,
    errors: sum((row) => row.errors),
    unpricedCalls: sum((row) => row.unpriced_calls),
    inputTokens: input / count,
    outputTokens: sum((row) => row.output_tokens) / count,
    cachedShare: input === 0 ? 0 : sum((row) => row.cache_read_tokens) / input,
    models: rows.map((row) => [nameOf(row), row.calls] as const),
  };
}

function nameOf({ model, service_tier: tier }: UsageRow): string {
  const name = typeof model === 'string' && model !== '' ? model : 'an unnamed model';
  return typeof tier === 'string' ? `${name} (${tier})` : name;
}
