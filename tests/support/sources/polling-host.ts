/** A polling host over scripted sources, with a queue and a clock that the test turns. */

import { afterEach } from 'vitest';
import type { Observation } from '../../../src/contract/observation.ts';
import type { Reading } from '../../../src/contract/source.ts';
import { KnowledgeHorizon } from '../../../src/lib/knowledge-horizon.ts';
import { PollingHost, type PollingLimits } from '../../../src/polling/host.ts';
import { openSources } from '../../../src/polling/open-sources.ts';
import type { PollEvent } from '../../../src/polling/poll-event.ts';
import { HandClock } from './hand-clock.ts';
import { HandQueue } from './hand-queue.ts';
import { scriptedPlugin, type Script } from './scripted-source.ts';

const hosts: PollingHost[] = [];

/** Every host that a test opened is stopped after it. */
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop(1_000);
});

export interface HostSetup {
  readonly timeoutMs?: number;
  readonly prompts?: readonly string[];
  readonly limits?: Partial<PollingLimits>;
  readonly partsBefore?: ReadonlyMap<string, readonly string[]>;
  readonly horizon?: KnowledgeHorizon;
  readonly record?: (batch: readonly Observation[]) => Promise<void>;
}

export async function hostOf(scripts: Readonly<Record<string, Script>>, setup: HostSetup = {}) {
  const clock = new HandClock();
  const queue = new HandQueue();
  const seen: Observation[] = [];
  const events: PollEvent[] = [];
  const sources = openSources(
    Object.keys(scripts).map((name) => ({
      name,
      type: name,
      environment: 'production',
      everyMs: 30_000,
      timeoutMs: setup.timeoutMs ?? 5_000,
      config: { token: 'correct-horse-battery' },
      targets: (setup.prompts ?? ['a']).map((prompt) => ({ prompt, config: {} })),
    })),
    Object.entries(scripts).map(([name, script]) => scriptedPlugin(name, script)),
    { baseDirectory: '/', cacheDirectory: '/nonexistent' },
  );
  const host = new PollingHost({
    sources,
    queue,
    clock,
    horizon: setup.horizon ?? new KnowledgeHorizon(clock),
    onObservations: async (batch) => {
      await setup.record?.(batch);
      seen.push(...batch);
    },
    onEvent: (event) => events.push(event),
    limits: { phaseMsMax: 0, missingPauseMs: 1, watchQuietMs: 5, ...setup.limits },
    ...(setup.partsBefore === undefined ? {} : { partsBefore: setup.partsBefore }),
  });
  hosts.push(host);
  await host.start();
  return {
    host,
    queue,
    clock,
    seen,
    events,
    /** Takes what was observed since the last call. */
    take: () => seen.splice(0),
    poll: (name = Object.keys(scripts)[0] ?? '') => queue.tick(`poll:${name}`),
  };
}

export async function* readings(...list: readonly Reading[]): AsyncIterable<Reading> {
  await Promise.resolve();
  yield* list;
}
