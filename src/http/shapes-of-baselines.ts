/** The JSON about declared baselines; as `shapes.ts`. Pure. */

import type { BaselineChange, BaselineStatus, CallsOfPeriod } from '../contract/baseline-log.ts';

export function baselineStatusShape(status: BaselineStatus): object {
  const { series, at, until, declared, state, wasWithin, measured, change } = status;
  return {
    ...series,
    declared,
    state,
    measured,
    was_within: wasWithin,
    at,
    until,
    change: change && changeShape(change),
  };
}

function changeShape(change: BaselineChange): object {
  const { between, sinceHour, noticedAt, measured, beyond, callsADay, callsBefore, callsSince, acceptedAt } = change;
  return {
    between,
    since_hour: sinceHour,
    noticed_at: noticedAt,
    measured,
    beyond,
    calls_a_day: callsADay,
    was_within: change.wasWithin,
    accepted_at: acceptedAt,
    calls_before: callsBefore && callsShape(callsBefore),
    calls_since: callsSince && callsShape(callsSince),
  };
}

function callsShape(of: CallsOfPeriod): object {
  return {
    calls: of.calls,
    errors: of.errors,
    unpriced_calls: of.unpricedCalls,
    input_tokens_of_call: of.inputTokens,
    output_tokens_of_call: of.outputTokens,
    cached_share: of.cachedShare,
    models: of.models.map(([model, calls]) => ({ model, calls })),
  };
}
