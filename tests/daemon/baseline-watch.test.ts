/** Calls beside what the registry declares of them, in the real store: days of them, hour by hour. */

import { afterEach, describe, expect, test } from 'vitest';
import type { BaselineStatus } from '../../src/contract/baseline-log.ts';
import type { Incident } from '../../src/contract/incident.ts';
import type { InvocationLog } from '../../src/contract/invocation-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { BaselineWatch } from '../../src/daemon/baselines/baseline-watch.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { addMillis, millisBetween } from '../../src/lib/time.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { pin, version } from '../support/prompts.ts';
import { repriceAll } from '../support/reprice-all.ts';
import { storedCall } from '../support/stored-calls.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { QUIET_QUEUE, SILENT_LOG, TestRegistry } from './setup.ts';

const HOUR_MS = 3_600_000;
const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const COST = 'cost_per_call_usd';
const ACCURACY = 'baseline_accuracy';

let current: Scene | null = null;
afterEach(async () => {
  await current?.close();
  current = null;
});

interface Calls {
  readonly cost?: string | null;
  readonly perHour?: number;
  readonly accuracy?: number;
  readonly more?: object;
}

/** A prompt of which something is declared, with its calls from `START` on, and what watches them. */
class Scene {
  readonly clock = new TurnableClock(START);
  readonly registry = new TestRegistry([], []);
  readonly desk: IncidentDesk;
  readonly announced: string[] = [];
  readonly store: Store;
  readonly opened: OpenStore;
  asked = 0;
  #watch: BaselineWatch;
  #hour = 0;
  #calls = 0;

  static async open(metrics: Readonly<Record<string, number>>): Promise<Scene> {
    current = new Scene(await openStore());
    current.declare(metrics);
    return current;
  }

  constructor(opened: OpenStore) {
    this.opened = opened;
    this.store = createStore(opened.database, this.clock);
    this.desk = this.#newDesk();
    this.#watch = this.#newWatch(this.desk);
  }

  declare(metrics: Readonly<Record<string, number>>, line = 1): void {
    const origin = { file: 'prompts/greeting.yaml', line };
    const v1 = version('1', 'Say what it is about.', { prompt: 'greeting', metrics, origin });
    this.registry.change([v1], [pin(v1)]);
  }

  close(): Promise<void> {
    return this.opened.database.close();
  }

  /** Hours of calls, which then are past. */
  async pass(hours: number, { cost = null, perHour = 6, accuracy, more = {} }: Calls): Promise<void> {
    const rows = Array.from({ length: hours * perHour }, (_, index) => {
      const at = addMillis(START, (this.#hour + Math.floor(index / perHour)) * HOUR_MS + (index % perHour) * 60_000);
      this.#calls += 1;
      const score = accuracy === undefined ? [] : [{ name: 'accuracy', score: accuracy, label: null }];
      return storedCall(this.#calls, at, '1', {
        request_model: 'model-a',
        response_model: 'model-a',
        // A hundredth more or less, so that hours differ.
        cost_usd: cost === null ? null : (Number(cost) * (0.99 + 0.02 * (this.#calls % 2))).toFixed(10),
        input_tokens: 100,
        output_tokens: 20,
        ...(score.length > 0 && { extras: JSON.stringify({ evaluations: score }) }),
        ...more,
      });
    });
    if (rows.length > 0) await this.opened.database.insert('invocations', rows);
    this.#hour += hours;
  }

  /** A quarter of an hour after the last one has passed. */
  async look(): Promise<readonly BaselineStatus[]> {
    const due = addMillis(START, this.#hour * HOUR_MS + 15 * 60_000);
    this.clock.advance(Math.max(0, millisBetween(this.clock.now(), due)));
    await this.#watch.look(new AbortController().signal);
    return this.store.baselines.statuses();
  }

  async incidents(): Promise<readonly Incident[]> {
    return (await this.store.incidents.list({}, { limit: 100 })).items;
  }

  startAgain(): void {
    this.#watch = this.#newWatch(this.desk);
  }

  /** Another replica, which knows only what is stored. */
  async lookElsewhere(): Promise<void> {
    await this.#newWatch(this.#newDesk()).look(new AbortController().signal);
  }

  #newDesk(): IncidentDesk {
    return new IncidentDesk({
      incidents: this.store.incidents,
      announcer: {
        prepare: async (incident, transition) => {
          if (transition !== 'updated') this.announced.push(`${transition} ${incident.target}`);
          return [];
        },
        dispatch: async () => undefined,
      },
      countAffected: async () => 0,
      queue: QUIET_QUEUE,
      clock: this.clock,
      onProblem: (_message, error) => {
        throw error;
      },
    });
  }

  #newWatch(desk: IncidentDesk): BaselineWatch {
    const calls: Pick<InvocationLog, 'means' | 'usage'> = {
      means: (query) => {
        this.asked += 1;
        return this.opened.invocations.means(query);
      },
      usage: (query) => this.opened.invocations.usage(query),
    };
    return new BaselineWatch({
      baselines: this.store.baselines,
      calls,
      incidents: this.store.incidents,
      clock: this.clock,
      log: SILENT_LOG,
      registry: () => this.registry.view,
      onFindings: async (findings) => {
        await desk.take(findings);
      },
      retire: (isWatched) => desk.retire(isWatched),
    });
  }
}

describe('a cost that left what is declared', () => {
  test('opens one incident, told once, also by replicas and after a start; it resolves when calls are as declared', async () => {
    const scene = await Scene.open({ [COST]: 0.003, tone: 7 });
    await scene.pass(48, { cost: '0.003' });
    expect(await scene.look()).toMatchObject([{ state: 'within', declared: 0.003, series: { metric: COST } }]);
    await scene.pass(12, { cost: '0.02', more: { response_model: 'model-b', input_tokens: 900 } });
    await scene.look();
    const [incident, ...more] = await scene.incidents();
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      verdict: 'off_baseline',
      severity: 'warning',
      status: 'open',
      reason: 'left_declared_baseline',
      prompt: 'greeting',
      owner: 'data-platform',
      environment: 'production',
      target: `baseline:${COST}/greeting`,
      part: 'v1',
      changedBetween: [addMillis(START, 47 * HOUR_MS), addMillis(START, 49 * HOUR_MS)],
      summary: expect.stringMatching(/is \$0\.02, not \$0\.003 as declared, about \$2\.45 a day more\.$/),
      diff: expect.stringMatching(/-input tokens of a call, before: 100\n\+input tokens of a call, since: 900\n/),
    });
    expect(incident?.diff).toMatch(/^-models, before: model-a 100 %\n\+models, since: model-b 100 %$/m);

    scene.startAgain();
    await scene.look();
    await scene.lookElsewhere();
    await scene.pass(3, { cost: '0.021' });
    await scene.look();
    await scene.lookElsewhere();
    expect(await scene.incidents()).toMatchObject([{ id: incident?.id, revision: 1 }]);

    await scene.pass(25, { cost: '0.003' });
    expect(await scene.look()).toMatchObject([{ state: 'within', change: null }]);
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
    await scene.pass(24, { cost: '0.003' });
    await scene.look();
    expect(scene.announced).toEqual([`opened baseline:${COST}/greeting`, `resolved baseline:${COST}/greeting`]);
  });

  test('is quiet once somebody resolved the incident, until it is clearly worse', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003' });
    await scene.pass(12, { cost: '0.02' });
    await scene.look();
    const [incident] = await scene.incidents();
    await scene.desk.acknowledge(incident?.id ?? '', 'kim');
    await scene.pass(1, { cost: '0.02' });
    expect(await scene.look()).toMatchObject([{ state: 'off' }]);
    await scene.desk.resolve(incident?.id ?? '', 'kim', 'we asked for the larger model');
    await scene.pass(60, { cost: '0.021' });
    expect(await scene.look()).toMatchObject([{ state: 'accepted', change: { acceptedAt: expect.any(String) } }]);
    expect(await scene.incidents()).toMatchObject([{ resolution: 'kim: we asked for the larger model' }]);
    await scene.pass(16, { cost: '0.2' });
    expect(await scene.look()).toMatchObject([{ state: 'off', change: { acceptedAt: null } }]);
    expect(await scene.incidents()).toMatchObject([{ status: 'open' }, { status: 'resolved' }]);
  });

  test('is told again when it is clearly worse, and not because its file was edited', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003' });
    await scene.pass(12, { cost: '0.02' });
    await scene.look();
    scene.declare({ [COST]: 0.003, tone: 7 }, 40);
    await scene.pass(1, { cost: '0.02' });
    await scene.look();
    expect(scene.announced).toEqual([`opened baseline:${COST}/greeting`]);
    await scene.pass(16, { cost: '0.2' });
    await scene.look();
    expect(scene.announced.slice(1)).toEqual([`escalated baseline:${COST}/greeting`]);
    expect(await scene.incidents()).toMatchObject([
      {
        status: 'open',
        summary: expect.stringContaining('is $0.2, not $0.003'),
        diff: expect.stringContaining('in prompts/greeting.yaml:40'),
        earlierContents: [{ verdict: 'off_baseline', version: '1' }],
      },
    ]);
  });

  test('is judged anew within minutes when something else is declared', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003' });
    await scene.pass(30, { cost: '0.02' });
    await scene.look();
    const asked = scene.asked;
    await scene.look();
    expect(scene.asked).toBe(asked);
    scene.declare({ [COST]: 0.02 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
    scene.declare({ [COST]: 0.001 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([
      { status: 'open', severity: 'info', reason: 'never_within_declared_baseline', reopened: 1 },
    ]);
    // Nobody declares anything: there is nothing to be off, and nobody has taken it as normal.
    scene.declare({});
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'no_longer_watched' }]);
    scene.declare({ [COST]: 0.001 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'open', reopened: 2 }]);
  });

  test('because of a wrong price is over when calls are priced anew', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003' });
    await scene.pass(12, { cost: '0.02' });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'open' }]);
    await scene.pass(13, { cost: '0.003' });
    await repriceAll(scene.opened.invocations, START, addMillis(START, 100 * HOUR_MS), () => {
      return { costUsd: '0.0030000000', priceId: 'configured:right' };
    });
    expect(await scene.look()).toMatchObject([{ state: 'within' }]);
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
  });

  test('stays open while the registry is not read, and ends when its calls do', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(30, { cost: '0.02' });
    await scene.look();
    scene.registry.change([], []);
    await scene.pass(1, { cost: '0.02' });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'open' }]);
    scene.declare({ [COST]: 0.003 });
    await scene.pass(15 * 24, { perHour: 0 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'no_longer_watched' }]);
  });
});

describe('calls that say nothing of the cost', () => {
  test('failed or have no price', async () => {
    const scene = await Scene.open({ [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003' });
    // As many as not fail, and cost nothing.
    await scene.pass(24, { cost: '0.003', perHour: 3 });
    const [before] = await scene.look();
    await scene.pass(24, { cost: null, more: { error_type: 'timeout' } });
    expect((await scene.look())[0]?.measured).toEqual(before?.measured);
    // A price is known of one in four: who knows what the others cost?
    for (let hour = 0; hour < 12; hour += 1) {
      await scene.pass(1, { cost: '0.9', perHour: 2 });
      await scene.opened.database.insert(
        'invocations',
        Array.from({ length: 6 }, (_, index) =>
          storedCall(1_000_000 + hour * 10 + index, addMillis(START, (96 + hour) * HOUR_MS), '1', {}),
        ),
      );
    }
    expect((await scene.look())[0]).toMatchObject({ state: 'within', measured: before?.measured });
  });
});

describe('a score that left what is declared', () => {
  test('is told, without the scores of the last hours', async () => {
    const scene = await Scene.open({ [ACCURACY]: 0.94, [COST]: 0.003 });
    await scene.pass(48, { cost: '0.003', accuracy: 0.95 });
    await scene.pass(6, { cost: '0.003', accuracy: 0 });
    const statuses = await scene.look();
    expect(statuses.map(({ series, state, until }) => [series.metric, state, until])).toEqual([
      [ACCURACY, 'within', addMillis(START, 48 * HOUR_MS)],
      [COST, 'within', addMillis(START, 54 * HOUR_MS)],
    ]);
    await scene.pass(8, { cost: '0.003', accuracy: 0.1 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([
      {
        target: `baseline:${ACCURACY}/greeting`,
        severity: 'warning',
        summary: expect.stringMatching(/the accuracy of v1 is 0\.0\d+, not 0\.94 as declared\.$/),
      },
    ]);
  });
});
