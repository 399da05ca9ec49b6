/** One source over a stand-in, behind the real host: what a user would get. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourcePlugins } from '../../../collectors/index.ts';
import type { Observation } from '../../../src/contract/observation.ts';
import { KnowledgeHorizon } from '../../../src/lib/knowledge-horizon.ts';
import { PollingHost } from '../../../src/polling/host.ts';
import { openSources } from '../../../src/polling/open-sources.ts';
import type { PollEvent } from '../../../src/polling/poll-event.ts';
import { HandClock } from './hand-clock.ts';
import { HandQueue } from './hand-queue.ts';
import type { SourceFixture, StandIn } from './stand-in.ts';

export type Place = Awaited<ReturnType<typeof watchPlace>>;

/** `timeoutMs` of one answer. */
export async function watchPlace(fixture: Pick<SourceFixture, 'type'>, standIn: StandIn, timeoutMs = 60_000) {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'plumbline-cache-'));
  const events: PollEvent[] = [];
  const observed: Observation[] = [];
  const clock = new HandClock();
  const queue = new HandQueue();
  const { targets, config, secrets } = standIn;
  const opened = openSources(
    [
      {
        name: 'place',
        type: fixture.type,
        environment: 'production',
        everyMs: 30_000,
        timeoutMs,
        config,
        targets,
        secrets,
      },
    ],
    sourcePlugins,
    {
      baseDirectory: cacheDirectory,
      cacheDirectory,
      childEnvironment: { PATH: '/usr/bin:/bin', HOME: cacheDirectory },
    },
  );
  // Watching has tests of its own; here an early look would mix what it saw into what a poll saw.
  const watch = opened[0]?.source.watch;
  const sources = opened.map((open) => {
    const { watch: _watch, ...source } = open.source;
    return { ...open, source };
  });
  const host = new PollingHost({
    sources,
    queue,
    clock,
    horizon: new KnowledgeHorizon(clock),
    onObservations: (batch) => Promise.resolve(void observed.push(...batch)),
    onEvent: (event) => events.push(event),
    limits: { phaseMsMax: 0, missingPauseMs: 1 },
  });
  await host.start();
  const [source] = sources;
  if (source === undefined) throw new Error('The source did not open.');
  return {
    host,
    source,
    /** The power that the host here does without. */
    watch,
    events,
    /** Polls all targets and gives the observation of each prompt's first part. */
    async poll(): Promise<ReadonlyMap<string, Observation>> {
      observed.length = 0;
      // Over every pause that a source may have asked for.
      clock.advance(3_600_000);
      await queue.tick('poll:place');
      return new Map(observed.toReversed().map((observation) => [observation.prompt, observation]));
    },
    async close(): Promise<void> {
      await host.stop(2_000);
      await standIn.close();
      await rm(cacheDirectory, { recursive: true, force: true });
    },
  };
}
