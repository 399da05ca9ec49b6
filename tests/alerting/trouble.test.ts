/** Alerts whose way is barred: receivers that refuse, hang or are gone, a queue and a store that are away, a crash. */

import { describe, expect, it, vi } from 'vitest';
import { newDelivery } from '../../src/alerting/record.ts';
import type { Channel } from '../../src/contract/channel.ts';
import { systemClock } from '../../src/lib/time.ts';
import { openIncident } from '../support/judgements.ts';
import { MemoryDeliveryLog, MemoryIncidentLog } from '../support/memory-logs.ts';
import { time } from '../support/prompts.ts';
import { AlertScene, edited, editedAt, good, statuses } from './setup.ts';

const scene = new AlertScene();

describe('an alert', () => {
  it('tries again after an error and after a 429, and delivers once', async () => {
    const { desk, deliveries } = await scene.start();
    scene.slack.misbehave({ status: 500 }, { status: 429, headers: { 'retry-after': '0' } }, 'reset');
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect([scene.slack.requests, scene.slack.messages.length]).toEqual([4, 1]);
    const rows = deliveries.rows.map((row) => [row.status, row.attempts]);
    expect(rows).toEqual([
      ['pending', 0],
      ['pending', 1],
      ['pending', 2],
      ['pending', 3],
      ['delivered', 4],
    ]);
  });

  it('says at once that a channel fails, and until it works again', async () => {
    const told: string[] = [];
    const { desk, deliveries, alerting } = await scene.start({
      onPutOff: (channel, _id, why) => told.push(channel, why),
    });
    scene.slack.misbehave({ status: 500 }, { status: 500 }, { status: 429, headers: { 'retry-after': '1' } });
    await desk.take([edited]);
    await vi.waitFor(() => expect(scene.slack.requests).toBe(3), 60_000);
    expect(told).toEqual(['slack', expect.stringMatching(/ answered 500\.$/)]);
    expect(alerting.problems()).toEqual(['The last alert through slack did not get out.']);
    await statuses(deliveries, ['opened slack delivered']);
    expect(alerting.problems()).toEqual([]);
  });

  it('sends what the queue did not take as soon as it takes work again', async () => {
    const { desk, deliveries, queue } = await scene.start();
    queue.cancel('deliver-sweep', 'all');
    const add = queue.add.bind(queue);
    let refusals = 2;
    queue.add = () => {
      refusals -= 1;
      if (refusals === 0) queue.add = add;
      return Promise.reject(new Error('Redis is away.'));
    };
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect([scene.slack.requests, refusals]).toEqual([1, 0]);
  });

  it('waits as long as the receiver asks, instead of its own back-off', async () => {
    // With the back-off of a minute this test would not end in time.
    const { desk, deliveries } = await scene.start({ backoffMs: 60_000 });
    scene.slack.misbehave({ status: 429, headers: { 'retry-after': '0' } });
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(scene.slack.requests).toBe(2);
  });

  it('loses none of many alerts at once to a receiver that takes one a second, and does not push it', async () => {
    const oneEach = new Map(
      [...scene.channels()].map(([name, channel]): [string, Channel] => [
        name,
        { send: (alert, signal) => channel.send(alert, signal) },
      ]),
    );
    const { desk, deliveries } = await scene.start({ clock: systemClock, channels: oneEach });
    scene.slack.takesOneIn(1_000);
    await desk.take(editedAt(20));
    await statuses(deliveries, Array<string>(20).fill('opened slack delivered'));
    expect(scene.slack.messages).toHaveLength(20);
    // Each was refused no more than now and then: with its own attempts, some would have been refused 13 times.
    expect(scene.slack.requests).toBeLessThan(3 * 20);
  }, 120_000);

  it('gives up on a receiver that only ever asks for patience after a day', async () => {
    const { desk, deliveries, clock } = await scene.start();
    scene.slack.takesOneIn(Number.POSITIVE_INFINITY);
    await desk.take([edited]);
    await vi.waitFor(() => expect(scene.slack.requests).toBeGreaterThan(1), 60_000);
    expect(deliveries.statuses()).toEqual(['opened slack pending']);
    clock.advance(25 * 3_600_000);
    await statuses(deliveries, ['opened slack failed']);
    expect(deliveries.rows.at(-1)?.detail).toContain('429');
  }, 60_000);

  it('gives up at once when the webhook was removed, and says why', async () => {
    const { desk, deliveries } = await scene.start();
    scene.slack.remove();
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack failed']);
    expect(deliveries.rows.at(-1)?.detail).toContain('no_service. The webhook was removed');
    await desk.take([good]);
    await statuses(deliveries, ['opened slack failed', 'resolved slack suppressed']);
    expect(scene.slack.requests).toBe(1);
  });

  it('gives up on a channel that does not answer, in time', async () => {
    const { desk, deliveries } = await scene.start({ sendTimeoutMs: 20 });
    scene.slack.misbehave('hang');
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(deliveries.rows.map((row) => row.detail)).toContain('Channel slack did not answer in time.');
  });

  it('does not send again because the receipt could not be stored', async () => {
    const { desk, deliveries } = await scene.start();
    const append = deliveries.append.bind(deliveries);
    let refusals = 3;
    deliveries.append = async (rows) => {
      if (rows.some(({ status }) => status === 'delivered') && refusals > 0) {
        refusals -= 1;
        throw new Error('The store is away.');
      }
      await append(rows);
    };
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect([scene.slack.requests, refusals]).toEqual([1, 0]);
  });
});

describe('after a crash', () => {
  const incident = openIncident(edited);
  const row = newDelivery(incident, 'opened', 'slack', null, time('02:41:39'));

  it('sends what was stored and not sent, once', async () => {
    const [incidents, deliveries] = [new MemoryIncidentLog(), new MemoryDeliveryLog()];
    await deliveries.append([row]);
    await incidents.append(incident, 'opened', 'plumbline');
    await scene.startOn(incidents, deliveries);
    await statuses(deliveries, ['opened slack delivered']);
    expect(scene.slack.messages).toHaveLength(1);
  });

  it('holds an alert whose incident was not stored until it is, or never comes', async () => {
    const [incidents, deliveries] = [new MemoryIncidentLog(), new MemoryDeliveryLog()];
    await deliveries.append([row]);
    const { desk, alerting, clock } = await scene.startOn(incidents, deliveries);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack pending']);
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(scene.slack.messages).toHaveLength(1);

    await deliveries.append([newDelivery({ ...incident, id: 'ghost' }, 'opened', 'slack', null, clock.now())]);
    clock.advance(2 * 3_600_000);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack delivered', 'opened slack failed']);
  });

  it('finds a row whose job is lost', async () => {
    const { desk, alerting, queue, deliveries, clock } = await scene.start();
    const add = queue.add.bind(queue);
    queue.add = async (name, data, options) => (name.startsWith('deliver.') ? true : add(name, data, options));
    await desk.take([edited]);
    queue.add = add;
    clock.advance(60_000);
    await alerting.sweep();
    expect(scene.slack.requests).toBe(0);
    clock.advance(10 * 60_000);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack delivered']);
  });
});
