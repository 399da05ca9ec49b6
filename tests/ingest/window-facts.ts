/**
 * Facts that the newest ingest of this process holds in memory, as its own metric tells: what a test
 * waits for that needs a fact to be in its trace, or a trace to be forgotten. To be imported before
 * an ingest is made.
 */

import { createNoopMeter, metrics, type Meter, type ObservableCallback } from '@opentelemetry/api';
import { eventually } from './harness.ts';

const GAUGE = 'plumbline.ingest.window_facts';
let read: ObservableCallback | null = null;

const meter: Meter = Object.assign(createNoopMeter(), {
  createObservableGauge: (name: string) => ({
    addCallback: (callback: ObservableCallback) => {
      if (name === GAUGE) read = callback;
    },
    removeCallback: () => {},
  }),
});
metrics.setGlobalMeterProvider({ getMeter: () => meter });

async function windowFacts(): Promise<number> {
  let facts = Number.NaN;
  await read?.({ observe: (value) => (facts = value) });
  return facts;
}

/** Throws when it does not come to that: what follows would test nothing. */
export async function factsInMemory(isRight: (facts: number) => boolean): Promise<void> {
  const facts = await eventually(windowFacts, isRight, 15_000);
  if (!isRight(facts)) throw new Error(`The ingest holds ${facts} facts in memory.`);
}
