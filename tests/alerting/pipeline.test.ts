/** From a judgement to what people read, without trouble on the way. */

import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { findingOf } from '../support/judgements.ts';
import { time } from '../support/prompts.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { AlertScene, edited, good, statuses } from './setup.ts';

const scene = new AlertScene();

describe('from a judgement to Slack', () => {
  it('announces a drift once and its end once, to every channel, whatever is repeated', async () => {
    const { desk, deliveries } = await scene.start({ routes: [] });
    for (const finding of [good, edited, edited, edited]) await desk.take([finding]);
    await statuses(deliveries, ['opened slack delivered', 'opened webhook delivered']);
    for (const finding of [good, good]) await desk.take([finding]);
    await statuses(deliveries, [
      'opened slack delivered',
      'opened webhook delivered',
      'resolved slack delivered',
      'resolved webhook delivered',
    ]);
    expect(scene.slack.messages.map(({ text }) => text.split(':')[0])).toEqual(['Prompt drift', 'Resolved']);
    expect(JSON.stringify(scene.slack.messages[0])).toContain(
      '+You classify support messages. Answer with one label: invoices',
    );
    expect(JSON.stringify(scene.slack.messages[0])).toContain('plumbline restore checkout-config/support.intent');
    expect(
      scene.receiver.messages.map((message) => [message.transition, message.incident.invocations_affected]),
    ).toEqual([
      ['opened', 3],
      ['resolved', 3],
    ]);
    expect(scene.slack.requests + scene.receiver.requests).toBe(4);
  });

  it('tells a story in its order, also when its beginning is delayed', async () => {
    const { desk, deliveries } = await scene.start();
    scene.slack.misbehave({ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 });
    await desk.take([edited]);
    await desk.take([good]);
    await statuses(deliveries, ['opened slack delivered', 'resolved slack delivered']);
    expect(scene.slack.messages.map(({ text }) => text.split(':')[0])).toEqual(['Prompt drift', 'Resolved']);
  });

  it('keeps quiet when asked to, and records it', async () => {
    const { desk, deliveries, incidents, outcomes } = await scene.start();
    await desk.take([findingOf('Old.')]);
    await statuses(deliveries, ['opened slack delivered']);
    await desk.snooze(incidents.revisions[0]?.incident.id ?? '', time('09:00:00'), 'ada');
    await desk.take([edited]);
    await desk.take([good]);
    await statuses(deliveries, ['opened slack delivered', 'escalated slack suppressed', 'resolved slack delivered']);
    expect(outcomes).toContain('slack suppressed');
  });

  it('records what no route wants', async () => {
    const { desk, deliveries } = await scene.start({
      routes: [{ match: { environment: ['staging'] }, channels: ['slack'] }],
    });
    await desk.take([edited]);
    await statuses(deliveries, ['opened (no route) suppressed']);
    expect(scene.slack.requests).toBe(0);
  });
});

describe('on the real store', () => {
  const directory = tempDirectory();

  it('does the same, and survives a restart between the drift and its end', async () => {
    const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
    scene.atEnd(() => database.close());
    await migrate(database, systemClock);
    const { incidents, deliveries } = createStore(database, systemClock);
    const first = await scene.startOn(incidents, deliveries);
    await first.desk.take([edited, edited]);
    await scene.slack.received(1);
    const [opened] = (await incidents.list({ status: 'unresolved' }, { limit: 10 })).items;
    expect(opened).toMatchObject({ status: 'open', revision: 1, invocationsAffected: 3 });
    await vi.waitFor(async () => {
      expect(await deliveries.pending(10)).toEqual([]);
    }, 60_000);
    await first.queue.stop(1_000);

    const second = await scene.startOn(incidents, deliveries);
    second.clock.advance(60_000);
    await second.desk.take([edited]);
    await second.desk.take([good]);
    await second.desk.take([good]);
    await scene.slack.received(2);
    await vi.waitFor(async () => {
      const rows = await deliveries.list(opened?.id ?? '');
      expect(rows.map((each) => `${each.transition} ${each.status}`)).toEqual([
        'opened delivered',
        'resolved delivered',
      ]);
    }, 60_000);
    expect(await incidents.get(opened?.id ?? '')).toMatchObject({ status: 'resolved', resolution: 'in_sync_again' });
    expect(scene.slack.requests).toBe(2);
  });
});
