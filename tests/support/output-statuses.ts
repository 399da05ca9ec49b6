/** What is known of the outputs of a series: while it is learnt, and when they changed, for tests of what people see. */

import type { OutputOf, OutputSeries, OutputStatus } from '../../src/contract/output-log.ts';
import { time } from './store-samples.ts';

const seriesOf = (more: Partial<OutputSeries>): OutputSeries => {
  return { environment: 'production', prompt: 'greeting', version: '1', model: 'gpt-5', ...more };
};

export function learningStatus(more: Partial<OutputSeries> = {}): OutputStatus {
  return {
    series: seriesOf(more),
    at: time('2026-12-01T03:10:00Z'),
    state: 'learning',
    lastHour: time('2026-12-01T02:00:00Z'),
    learning: {
      since: time('2026-12-01T00:00:00Z'),
      outputs: 210,
      outputsNeeded: 300,
      until: time('2026-12-08T00:00:00Z'),
    },
    baseline: null,
    log10Score: null,
    change: null,
  };
}

export function watchingStatus(more: Partial<OutputSeries> = {}): OutputStatus {
  return {
    ...learningStatus(more),
    state: 'watching',
    learning: null,
    baseline: {
      madeAt: time('2026-11-27T00:10:00Z'),
      from: time('2026-11-20T00:00:00Z'),
      until: time('2026-11-27T00:00:00Z'),
      outputs: 812,
      comparedFrom: time('2026-11-27T00:00:00Z'),
    },
    log10Score: 1.5,
  };
}

export function changedStatus(more: Partial<OutputSeries> = {}): OutputStatus {
  return {
    ...watchingStatus(more),
    state: 'changed',
    log10Score: 9.25,
    change: {
      between: [time('2026-11-30T22:00:00Z'), time('2026-11-30T23:00:00Z')],
      sinceHour: time('2026-11-30T22:00:00Z'),
      noticedAt: time('2026-12-01T01:10:00Z'),
      features: [
        {
          name: 'characters',
          words: 'length in characters',
          before: '821',
          now: '4',
          log10Factor: 8.5,
          windowHours: 4,
        },
        { name: 'wording_1', words: 'wording', before: '', now: '', log10Factor: 3, windowHours: 2 },
      ],
      inputsChanged: true,
      outputsBefore: 812,
      outputsSince: 64,
      examplesBefore: [outputOf(1), outputOf(2)],
      examplesSince: [outputOf(3)],
    },
  };
}

/** The texts of its examples. */
export const EXAMPLE_TEXTS: ReadonlyMap<string, string | null> = new Map([
  [outputOf(1).traceId, ['A step', 'by step', 'explanation', 'of four', 'or five lines'].join('\n')],
  [outputOf(2).traceId, null],
  [outputOf(3).traceId, 'Yes.\u202E'],
]);

function outputOf(id: number): OutputOf {
  return {
    traceId: String(id).padStart(32, 'a'),
    spanId: String(id).padStart(16, 'b'),
    startedAt: time(`2026-11-30T2${id}:30:00Z`),
  };
}
