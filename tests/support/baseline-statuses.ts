/** What is known of what is declared of calls: within, off and accepted, for tests of what people see. */

import type { BaselineChange, BaselineSeries, BaselineStatus } from '../../src/contract/baseline-log.ts';
import { time } from './store-samples.ts';

export function withinStatus(more: Partial<BaselineSeries> = {}): BaselineStatus {
  return {
    series: { environment: 'production', prompt: 'greeting', version: '3', metric: 'cost_per_call_usd', ...more },
    at: time('2026-12-01T03:10:00Z'),
    until: time('2026-12-01T03:00:00Z'),
    declared: 0.003,
    state: 'within',
    comparedFrom: time('2026-11-17T03:00:00Z'),
    wasWithin: true,
    measured: { mean: 0.00304, of: 12_345, margin: 0.00007 },
    change: null,
  };
}

export function offStatus(more: Partial<BaselineSeries> = {}, change: Partial<BaselineChange> = {}): BaselineStatus {
  const measured = { mean: 0.00621, of: 1_240, margin: 0.0002 };
  return {
    ...withinStatus(more),
    state: 'off',
    measured,
    change: {
      between: [time('2026-11-30T01:00:00Z'), time('2026-11-30T03:00:00Z')],
      sinceHour: time('2026-11-30T02:00:00Z'),
      noticedAt: time('2026-12-01T03:10:00Z'),
      measured,
      beyond: 0.00452,
      callsADay: 1_190.4,
      wasWithin: true,
      callsBefore: {
        calls: 8_000,
        errors: 0,
        unpricedCalls: 0,
        inputTokens: 812.4,
        outputTokens: 100,
        cachedShare: 0.8,
        models: [['gpt-5-mini', 8_000]],
      },
      callsSince: {
        calls: 1_260,
        errors: 12,
        unpricedCalls: 20,
        inputTokens: 1_930.2,
        outputTokens: 104,
        cachedShare: 0.1,
        models: [
          ['gpt-5', 700],
          ['gpt-5-mini', 560],
        ],
      },
      acceptedAt: null,
      ...change,
    },
  };
}

export function acceptedStatus(more: Partial<BaselineSeries> = {}): BaselineStatus {
  return { ...offStatus(more, { acceptedAt: time('2026-12-01T09:00:00Z') }), state: 'accepted' };
}
