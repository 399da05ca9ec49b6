/** What is found of answers, on calls that lie in the real store: weeks of them, hour by hour. */

import { afterEach, describe, expect, test } from 'vitest';
import type { Incident } from '../../src/contract/incident.ts';
import type { OutputStatus } from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { OutputWatch } from '../../src/daemon/outputs/output-watch.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { addMillis, millisBetween } from '../../src/lib/time.ts';
import { sizeOf } from '../../src/statistics/bins.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { outputText, type Style } from '../support/generated-outputs.ts';
import { pin, version } from '../support/prompts.ts';
import { seededRandom } from '../support/random.ts';
import { storedCall } from '../support/stored-calls.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { QUIET_QUEUE, SILENT_LOG, TestRegistry } from './setup.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const WEEK_HOURS = 7 * DAY_HOURS;
const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const MODEL = 'model-a';

let current: Scene | null = null;
afterEach(async () => {
  await current?.close();
  current = null;
});

interface Answers {
  readonly style: Style;
  readonly perHour?: number;
  readonly inputTokens?: number;
  readonly isKept?: boolean;
  readonly more?: object;
  /** They are not in the store before `deliver`. */
  readonly isLate?: boolean;
}

/** A prompt with its calls from `START` on, in a store of their own, and what watches them. */
class Scene {
  readonly clock = new TurnableClock(START);
  readonly registry: TestRegistry;
  readonly desk: IncidentDesk;
  readonly #opened: OpenStore;
  readonly #store: Store;
  readonly #random = seededRandom(20_261_201);
  /** How often texts of examples were asked for. */
  textsRead = 0;
  #watch: OutputWatch;
  #hour = 0;
  #calls = 0;
  #late: object[] = [];

  static async open(): Promise<Scene> {
    current = new Scene(await openStore());
    return current;
  }

  constructor(opened: OpenStore) {
    this.#opened = opened;
    this.#store = createStore(opened.database, this.clock);
    const v1 = version('1', 'Say what it is about.', { prompt: 'greeting' });
    this.registry = new TestRegistry([v1], [pin(v1)]);
    this.desk = new IncidentDesk({
      incidents: this.#store.incidents,
      announcer: { prepare: async () => [], dispatch: async () => undefined },
      countAffected: async () => 0,
      queue: QUIET_QUEUE,
      clock: this.clock,
      onProblem: (_message, error) => {
        throw error;
      },
    });
    this.#watch = this.#newWatch();
  }

  close(): Promise<void> {
    return this.#opened.database.close();
  }

  /** Hours of answers, which then are past. */
  async pass(hours: number, answers: Answers): Promise<void> {
    const { style, perHour = 12, inputTokens, isKept = true, more = {}, isLate = false } = answers;
    const rows = Array.from({ length: hours * perHour }, (_, index) => {
      const at = addMillis(START, (this.#hour + Math.floor(index / perHour)) * HOUR_MS + (index % perHour) * 60_000);
      const text = outputText(style, this.#random);
      const said = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', text }] }]);
      this.#calls += 1;
      return storedCall(this.#calls, at, '1', {
        operation: 'chat',
        request_model: MODEL,
        response_model: 'model-a-2026-01-01',
        output: isKept ? said : '',
        finish_reasons: ['stop'],
        output_tokens: Math.ceil(text.length / 4),
        input_tokens: (inputTokens ?? 300) + this.#random.below(100),
        ...more,
      });
    });
    if (isLate) this.#late.push(...rows);
    else if (rows.length > 0) await this.#opened.database.insert('invocations', rows);
    this.#hour += hours;
  }

  async deliver(): Promise<void> {
    await this.#opened.database.insert('invocations', this.#late.splice(0));
  }

  /** A quarter of an hour after the last one has passed. */
  async look(signal = new AbortController().signal): Promise<OutputStatus | null> {
    const due = addMillis(START, this.#hour * HOUR_MS + 15 * 60_000);
    this.clock.advance(Math.max(0, millisBetween(this.clock.now(), due)));
    await this.#watch.look(signal);
    const [status] = await this.#store.outputs.statuses();
    return status ?? null;
  }

  /** Hour by hour until it is so, or not within the limit. */
  async lookUntil(state: OutputStatus['state'], answers: Answers, hoursMax: number): Promise<number> {
    for (let hour = 1; hour <= hoursMax; hour += 1) {
      await this.pass(1, answers);
      if ((await this.look())?.state === state) return hour;
    }
    return Number.POSITIVE_INFINITY;
  }

  async incidents(): Promise<readonly Incident[]> {
    return (await this.#store.incidents.list({}, { limit: 100 })).items;
  }

  /** Each is in one bin of the first feature. */
  async answersInBaseline(): Promise<number> {
    const [status] = await this.#store.outputs.statuses();
    const [baseline] = status === undefined ? [] : await this.#store.outputs.baselines([status.series]);
    const [first] = baseline?.bins ?? [];
    return (first === undefined ? [] : (baseline?.counts.slice(0, sizeOf(first)) ?? [])).reduce(
      (sum, one) => sum + one,
      0,
    );
  }

  startAgain(): void {
    this.#watch = this.#newWatch();
  }

  #newWatch(): OutputWatch {
    const { outputs } = this.#store;
    const texts: typeof outputs.texts = (of) => {
      this.textsRead += 1;
      return outputs.texts(of);
    };
    return new OutputWatch({
      outputs: { ...outputs, texts },
      incidents: this.#store.incidents,
      clock: this.clock,
      log: SILENT_LOG,
      registry: () => this.registry.view,
      onFindings: async (findings) => {
        await this.desk.take(findings);
      },
      retireUncalled: (lastCallOf) => this.desk.retireUncalled(lastCallOf),
    });
  }
}

describe('a series', () => {
  test('learns for a week, whatever comes', async () => {
    const scene = await Scene.open();
    await scene.pass(3 * DAY_HOURS, { style: 'json' });
    expect(await scene.look()).toMatchObject({
      state: 'learning',
      series: { prompt: 'greeting', version: '1', model: MODEL },
      learning: {
        since: START,
        outputs: 3 * DAY_HOURS * 12,
        outputsNeeded: 300,
        until: addMillis(START, WEEK_HOURS * HOUR_MS),
      },
      baseline: null,
      log10Score: null,
    });
    await scene.pass(4 * DAY_HOURS, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'watching', learning: null, baseline: { from: START } });
    expect(await scene.incidents()).toEqual([]);
  });

  test('with few answers learns for longer', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS + 5, { style: 'json', perHour: 1 });
    expect(await scene.look()).toMatchObject({ state: 'learning', learning: { outputs: WEEK_HOURS + 5 } });
    await scene.pass(130, { style: 'json', perHour: 1 });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
  });

  test('that stays as it is opens nothing', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'careful' });
    await scene.look();
    for (let day = 0; day < 4; day += 1) {
      await scene.pass(DAY_HOURS, { style: 'careful' });
      const status = await scene.look();
      expect(status).toMatchObject({ state: 'watching', change: null });
      expect(status?.log10Score).toBeLessThan(3);
    }
    expect(await scene.incidents()).toEqual([]);
  });
});

describe('what is long past', () => {
  test('counts as before, and is not gone through again', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'json', perHour: 3 });
    await scene.look();
    await scene.pass(250, { style: 'json', perHour: 3 });
    await scene.look();
    await scene.pass(250, { style: 'json', perHour: 3 });
    const since = addMillis(START, WEEK_HOURS * HOUR_MS);
    expect(await scene.look()).toMatchObject({ state: 'watching', baseline: { comparedFrom: since } });
    await scene.pass(20, { style: 'json', perHour: 3 });
    const status = await scene.look();
    expect(status).toMatchObject({
      state: 'watching',
      baseline: { comparedFrom: addMillis(START, (WEEK_HOURS + 263) * HOUR_MS) },
    });
    expect(await scene.answersInBaseline()).toBe((WEEK_HOURS + 263) * 3);
    await scene.pass(1, { style: 'json', perHour: 3 });
    const next = await scene.look();
    expect(next?.log10Score).toBeCloseTo(status?.log10Score ?? 0, 0);
    expect(await scene.lookUntil('changed', { style: 'chatty', perHour: 3 }, 6)).toBeLessThanOrEqual(5);
  });
});

describe('answers that change', () => {
  test('are found where all of them are read at once', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS + 12, { style: 'json', perHour: 5 });
    await scene.pass(6, { style: 'chatty', perHour: 5 });
    expect(await scene.look()).toMatchObject({ state: 'changed', baseline: { outputs: WEEK_HOURS * 5 } });
    const since = addMillis(START, (WEEK_HOURS + 12) * HOUR_MS);
    expect((await scene.incidents())[0]?.changedBetween).toEqual([since, addMillis(since, HOUR_MS)]);
  });

  test('open one incident that says what changed, since when, with examples; and the same ones end it', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS + 30, { style: 'json' });
    await scene.look();
    await scene.pass(5, { style: 'json' });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
    const since = addMillis(START, (WEEK_HOURS + 35) * HOUR_MS);
    expect(await scene.lookUntil('changed', { style: 'chatty' }, 3)).toBeLessThanOrEqual(2);
    const [incident, ...more] = await scene.incidents();
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      verdict: 'output_drift',
      severity: 'warning',
      status: 'open',
      reason: 'outputs_changed',
      prompt: 'greeting',
      owner: 'data-platform',
      target: `outputs:${MODEL}/greeting`,
      part: 'v1',
      expected: { version: '1' },
      observed: { version: '1', hash: null, text: null },
    });
    expect(incident?.summary).toMatch(/^greeting in production: the answers of model-a to v1 changed: /);
    const [after = '', by = ''] = incident?.changedBetween ?? [];
    expect([String(after) <= since, String(by) >= since]).toEqual([true, true]);
    expect(incident?.diff).toMatch(/^-answers that are JSON: 100 %$/m);
    expect(incident?.diff).toMatch(/^\+answers that are JSON: 0 %$/m);
    expect(incident?.diff).toMatch(/^-e\.g\. \{"intent":/m);
    expect(incident?.diff).toMatch(/^\+e\.g\. This is about /m);

    // Nothing new while it goes on, also after a start; and its examples are read once.
    scene.startAgain();
    await scene.pass(DAY_HOURS, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'changed' });
    expect(await scene.incidents()).toMatchObject([{ id: incident?.id, revision: 1 }]);
    expect(scene.textsRead).toBe(1);
    // Also when it wakes up.
    await scene.desk.snooze(incident?.id ?? '', addMillis(scene.clock.now(), 1), 'kim');
    await scene.pass(1, { style: 'chatty' });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ id: incident?.id, status: 'open', diff: incident?.diff }]);

    expect(await scene.lookUntil('watching', { style: 'json' }, 4)).toBeLessThanOrEqual(3);
    expect(await scene.incidents()).toMatchObject([
      { id: incident?.id, status: 'resolved', resolution: 'in_sync_again' },
    ]);
    // What came meanwhile is no part of what is normal: it is found again.
    await scene.pass(12, { style: 'json' });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
    expect(await scene.lookUntil('changed', { style: 'chatty' }, 3)).toBeLessThanOrEqual(2);
  });

  test('are the normal ones once somebody has resolved the incident; going back is a change', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'json' });
    await scene.look();
    await scene.lookUntil('changed', { style: 'chatty' }, 3);
    const [incident] = await scene.incidents();
    await scene.desk.acknowledge(incident?.id ?? '', 'kim');
    await scene.pass(2, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'changed' });
    await scene.desk.resolve(incident?.id ?? '', 'kim', 'the new model is fine');
    await scene.pass(1, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'learning', learning: { outputsNeeded: 100 } });
    await scene.pass(8, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
    await scene.pass(DAY_HOURS, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
    expect(await scene.incidents()).toMatchObject([{ status: 'resolved', resolution: 'kim: the new model is fine' }]);
    expect(await scene.lookUntil('changed', { style: 'json' }, 4)).toBeLessThanOrEqual(3);
    expect(await scene.incidents()).toMatchObject([{ status: 'open', reopened: 0 }, { status: 'resolved' }]);
  });

  test('are found also where the calls came hours late', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS + 2, { style: 'json' });
    await scene.look();
    for (let hour = 0; hour < 3; hour += 1) {
      await scene.pass(1, { style: 'chatty', isLate: true });
      expect(await scene.look()).toMatchObject({ state: 'watching' });
    }
    await scene.pass(1, { style: 'json', perHour: 1 });
    expect(await scene.look()).toMatchObject({ state: 'watching' });
    await scene.deliver();
    await scene.pass(1, { style: 'chatty', perHour: 1 });
    expect(await scene.look()).toMatchObject({ state: 'changed', change: { outputsSince: 38 } });
    const since = addMillis(START, (WEEK_HOURS + 2) * HOUR_MS);
    expect((await scene.incidents())[0]?.changedBetween).toEqual([since, addMillis(since, HOUR_MS)]);
  });

  test('of a version that is not called any more end the incident, and open another when it is called again', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'json' });
    await scene.look();
    await scene.lookUntil('changed', { style: 'chatty' }, 3);
    const [incident] = await scene.incidents();
    // Nothing is called at all: nobody may be listening.
    await scene.pass(9 * DAY_HOURS, { style: 'json', perHour: 0 });
    await scene.look();
    expect(await scene.incidents()).toMatchObject([{ status: 'open' }]);
    const next = { style: 'essay', perHour: 1, more: { version: '2' } } as const;
    await scene.pass(1, next);
    await scene.look();
    expect(await scene.incidents()).toMatchObject([
      { id: incident?.id, status: 'resolved', resolution: 'no_longer_called' },
    ]);
    for (let hour = 0; hour < 2; hour += 1) {
      await scene.pass(1, next);
      await scene.look();
    }
    expect(await scene.incidents()).toHaveLength(1);
    // It was not accepted by that.
    await scene.pass(30, next);
    await scene.pass(1, { style: 'chatty' });
    expect(await scene.look()).toMatchObject({ state: 'changed' });
    expect(await scene.incidents()).toMatchObject([{ status: 'open', diff: incident?.diff }, { id: incident?.id }]);
  });

  test('while other things are asked are no warning', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'chatty' });
    await scene.look();
    await scene.lookUntil('changed', { style: 'essay', inputTokens: 2_000 }, 4);
    expect(await scene.incidents()).toMatchObject([{ severity: 'info', reason: 'outputs_and_inputs_changed' }]);
  });

  test('are told by their length alone where no text is kept', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'json', isKept: false });
    await scene.look();
    await scene.lookUntil('changed', { style: 'essay', isKept: false }, 4);
    const [incident] = await scene.incidents();
    expect(incident?.summary).toContain('output tokens from ');
    expect(incident?.diff).not.toContain('e.g.');
  });

  test('because another model answers under the same name are told as that', async () => {
    const scene = await Scene.open();
    await scene.pass(WEEK_HOURS, { style: 'chatty' });
    await scene.look();
    expect(
      await scene.lookUntil('changed', { style: 'chatty', more: { response_model: 'model-a-2026-11-05' } }, 3),
    ).toBe(1);
    const [incident] = await scene.incidents();
    expect(incident).toMatchObject({
      severity: 'warning',
      reason: 'answering_model_changed',
      summary:
        'greeting in production: the answers of model-a to v1 changed: the answering model from "model-a-2026-01-01" to "model-a-2026-11-05".',
    });
  });

  test('of a version that nobody registered are told too', async () => {
    const scene = await Scene.open();
    scene.registry.change([], []);
    await scene.pass(WEEK_HOURS, { style: 'json' });
    await scene.look();
    await scene.lookUntil('changed', { style: 'essay' }, 3);
    expect(await scene.incidents()).toMatchObject([{ expected: null, owner: null, observed: { version: '1' } }]);
  });
});

describe('a look', () => {
  test('leaves out calls that failed, and reads at most so many answers of an hour', async () => {
    const scene = await Scene.open();
    await scene.pass(2, { style: 'json', perHour: 59 });
    await scene.pass(1, { style: 'json', perHour: 59, more: { error_type: 'timeout' } });
    expect(await scene.look()).toMatchObject({ learning: { outputs: 118 }, lastHour: addMillis(START, HOUR_MS) });
  });

  test('is cut off by a stop, and goes on where it was', async () => {
    const scene = await Scene.open();
    await scene.pass(30, { style: 'json' });
    const stop = new AbortController();
    stop.abort(new Error('The daemon stops.'));
    await expect(scene.look(stop.signal)).rejects.toThrow('The daemon stops.');
    expect(await scene.look()).toMatchObject({ learning: { outputs: 360 } });
  });
});
