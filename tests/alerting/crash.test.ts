/**
 * The desk and the alerting with a process that dies before any of their effects: what is stored,
 * what is sent, what is queued. Each run is a list of findings and of the moments of death; a
 * failing one is printed with its seed and made small by fast-check.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Alerting } from '../../src/alerting/alerting.ts';
import type { Alert, Channel } from '../../src/contract/channel.ts';
import type { Json } from '../../src/contract/prompt.ts';
import type { Job, JobHandler, JobOptions, Queue } from '../../src/contract/queue.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import type { Finding } from '../../src/incidents/lifecycle.ts';
import { EDITED_TEXT, findingOf, GOOD_TEXT } from '../support/judgements.ts';
import { MemoryDeliveryLog, MemoryIncidentLog } from '../support/memory-logs.ts';
import { time } from '../support/prompts.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

/** A process that may take so many steps and is then dead: whatever it tries afterwards fails too. */
class Life {
  #stepsLeft: number;
  isOver = false;

  constructor(steps: number) {
    this.#stepsLeft = steps;
  }

  step(): void {
    this.isOver ||= this.#stepsLeft <= 0;
    if (this.isOver) throw new Error('This process is dead.');
    this.#stepsLeft -= 1;
  }
}

/** Jobs in this process's memory, run when the test says so; gone with the process. */
class StepQueue implements Queue {
  readonly #handlers = new Map<string, JobHandler>();
  readonly #jobs = new Map<string, Job>();
  readonly #life: Life;

  constructor(life: Life) {
    this.#life = life;
  }

  async add(name: string, data: Json, options: JobOptions = {}): Promise<boolean> {
    this.#life.step();
    const id = `${name} ${options.id ?? ''}`;
    if (this.#jobs.has(id)) return false;
    const signal = new AbortController().signal;
    this.#jobs.set(id, { id, name, data, attempt: 1, attemptsMax: options.attempts ?? 1, signal });
    return true;
  }

  async drain(): Promise<void> {
    while (this.#jobs.size > 0 && !this.#life.isOver) {
      const jobs = [...this.#jobs.values()];
      this.#jobs.clear();
      await Promise.allSettled(jobs.map(async (job) => this.#handlers.get(job.name)?.(job)));
    }
  }

  handle(name: string, _concurrency: number, handler: JobHandler): void {
    this.#handlers.set(name, handler);
  }
  every(): void {}
  cancel(): void {}
  counts = async () => ({ waiting: 0, delayed: 0, active: 0, failed: 0, refused: 0 });
  start = async () => undefined;
  stop = async () => undefined;
}

class World {
  readonly incidents = new MemoryIncidentLog();
  readonly deliveries = new MemoryDeliveryLog();
  readonly clock = new TurnableClock(time('02:41:40'));
  readonly sent: Alert[] = [];
  groups = 0;
  deaths = 0;

  async start(life: Life) {
    const queue = new StepQueue(life);
    const channel: Channel = {
      send: async (alert) => {
        life.step();
        this.sent.push(alert);
        return 'ok';
      },
      sendTogether: async ({ alerts }) => {
        life.step();
        this.sent.push(...alerts);
        this.groups += 1;
        return 'ok';
      },
    };
    const alerting = new Alerting({
      deliveries: stepping(this.deliveries, life),
      incidents: stepping(this.incidents, life),
      queue,
      clock: this.clock,
      channels: new Map([['only', channel]]),
      routes: [],
      command: 'plumbline',
      publicUrl: null,
      canRestore: () => true,
      quietMs: 0,
    });
    const desk = new IncidentDesk({
      incidents: stepping(this.incidents, life),
      announcer: alerting,
      countAffected: async () => 0,
      queue,
      clock: this.clock,
      onProblem: () => undefined,
    });
    return { alerting, desk, queue };
  }

  /** One process: takes up what is left, then the findings of each poll. Returns how many polls it got through. */
  async live(polls: readonly (readonly Finding[])[], life: Life): Promise<number> {
    let done = 0;
    try {
      const { alerting, desk, queue } = await this.start(life);
      this.clock.advance(1_000);
      await alerting.start();
      await queue.drain();
      for (const findings of polls) {
        this.clock.advance(30_000);
        await desk.take(findings);
        await queue.drain();
        if (life.isOver) break;
        done += 1;
      }
    } catch (error) {
      if (!life.isOver) throw error;
    }
    if (life.isOver) this.deaths += 1;
    return done;
  }
}

/** The same log, whose every write is a step of this life. */
function stepping<Log extends { append: (...row: never[]) => Promise<void> }>(log: Log, life: Life): Log {
  return new Proxy(log, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return async (...row: unknown[]) => {
        if (key === 'append') life.step();
        return (await Reflect.apply(value, target, row)) as unknown;
      };
    },
  });
}

const FINDINGS = [findingOf(GOOD_TEXT), findingOf(EDITED_TEXT), findingOf('Old.'), findingOf(null)];

/** What a process is about to do when it dies is, half of the time, out of date when the next one starts. */
const LIVES = fc.array(fc.record({ steps: fc.nat({ max: 14 }), worldMovesOn: fc.boolean() }), { maxLength: 8 });

/** One process after the other, and a last one that lives. */
async function liveThrough(
  polls: readonly (readonly Finding[])[],
  lives: readonly { readonly steps: number; readonly worldMovesOn: boolean }[],
): Promise<World> {
  const world = new World();
  let from = 0;
  for (const { steps, worldMovesOn } of lives) {
    from += await world.live(polls.slice(from), new Life(steps));
    if (worldMovesOn) from = Math.min(from + 1, polls.length - 1);
  }
  await world.live(polls.slice(from), new Life(Number.POSITIVE_INFINITY));
  // Rows of transitions that a death undid are given up on after an hour.
  world.clock.advance(3 * 3_600_000);
  const last = await world.start(new Life(Number.POSITIVE_INFINITY));
  await last.alerting.sweep();
  await last.queue.drain();
  return world;
}

function announcedBy(world: World) {
  return world.incidents.revisions.filter(({ transition }) => transition !== 'updated');
}

describe('a process that dies at any step', () => {
  it('opens each problem once, tells each transition, and repeats a message only if it died while recording it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...FINDINGS), { minLength: 1, maxLength: 12 }),
        LIVES,
        async (findings, lives) => {
          const world = await liveThrough(
            findings.map((finding) => [finding]),
            lives,
          );
          const announced = announcedBy(world);
          const keys = announced.map(({ incident, transition }) => `${incident.id} ${incident.revision} ${transition}`);
          expect(new Set(keys).size).toBe(keys.length);
          const told = world.sent.map((alert) => `${alert.deliveryId} ${alert.transition}`);
          expect(new Set(told).size).toBe(announced.length);
          expect(told.length - new Set(told).size).toBeLessThanOrEqual(world.deaths);
          expect([...new Set(told)].map((each) => each.split(' ')[1])).toEqual(
            announced.map(({ transition }) => transition),
          );
          expect(world.deliveries.statuses().filter((row) => row.endsWith('pending'))).toEqual([]);
          const wrong = findings.at(-1)?.judgement.verdict !== 'in_sync';
          const open = (await world.incidents.list({ status: 'unresolved' }, { limit: 10 })).items.length;
          const flapping = world.incidents.revisions.some(({ incident }) => incident.reopened >= 2);
          expect(open === 1 || flapping).toBe(wrong || flapping);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does so where several places change at once and are told in one message', async () => {
    const places = ['checkout/a', 'checkout/b', 'checkout/c'];
    const poll = fc.tuple(...places.map(() => fc.constantFrom(...FINDINGS)));
    let groups = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(poll, { minLength: 1, maxLength: 8 }), LIVES, async (polls, lives) => {
        const at = (finding: Finding, target: string) => ({ ...finding, judgement: { ...finding.judgement, target } });
        const world = await liveThrough(
          polls.map((findings) => findings.map((finding, index) => at(finding, places[index] ?? ''))),
          lives,
        );
        groups += world.groups;
        for (const place of places) {
          const announced = announcedBy(world).filter(({ incident }) => incident.target === place);
          const sent = world.sent.filter(({ incident }) => incident.target === place);
          const told = [...new Map(sent.map((alert) => [alert.deliveryId, alert.transition])).values()];
          expect(told).toEqual(announced.map(({ transition }) => transition));
          expect(sent.length - told.length).toBeLessThanOrEqual(world.deaths);
        }
        expect(world.deliveries.statuses().filter((row) => row.endsWith('pending'))).toEqual([]);
      }),
      { numRuns: 200 },
    );
    expect(groups).toBeGreaterThan(0);
  });
});
