import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alerting, type AlertingOptions } from '../../src/alerting/alerting.ts';
import { newDelivery } from '../../src/alerting/record.ts';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import type { Channel } from '../../src/contract/channel.ts';
import type { Queue } from '../../src/contract/queue.ts';
import type { DeliveryLog, IncidentLog } from '../../src/contract/store.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { boundedFetch } from '../../src/lib/http.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { EDITED_TEXT, findingOf, GOOD_TEXT, openIncident } from '../support/judgements.ts';
import { MemoryDeliveryLog, MemoryIncidentLog } from '../support/memory-logs.ts';
import { time } from '../support/prompts.ts';
import { SlackStandIn } from '../support/slack.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const good = findingOf(GOOD_TEXT);
const edited = findingOf(EDITED_TEXT);

let slack: SlackStandIn;
let receiver: WebhookReceiver;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  slack = await SlackStandIn.start();
  receiver = await WebhookReceiver.start();
  stops.push(
    () => slack.stop(),
    () => receiver.stop(),
  );
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

function channels(): ReadonlyMap<string, Channel> {
  const configs = { slack: { webhook_url: slack.url }, webhook: { url: receiver.url, secret: 'k' } };
  return new Map(
    Object.entries(configs).map(([type, config]) => {
      const plugin = CHANNEL_PLUGINS.find((each) => each.type === type);
      if (plugin === undefined) throw new Error(`No channel ${type}.`);
      return [type, plugin.open(config, { name: type, fetch: boundedFetch(), print: () => undefined })];
    }),
  );
}

interface Daemon<Incidents extends IncidentLog, Deliveries extends DeliveryLog> {
  readonly desk: IncidentDesk;
  readonly alerting: Alerting;
  readonly queue: Queue;
  readonly incidents: Incidents;
  readonly deliveries: Deliveries;
  readonly clock: TurnableClock;
  readonly outcomes: string[];
}

/** A daemon's desk, alerting and real queue on the given logs; started. */
async function startOn<Incidents extends IncidentLog, Deliveries extends DeliveryLog>(
  incidents: Incidents,
  deliveries: Deliveries,
  changes: Partial<AlertingOptions> = {},
): Promise<Daemon<Incidents, Deliveries>> {
  const queue = createQueue({ clock: systemClock });
  const clock = new TurnableClock(time('02:41:40'));
  const outcomes: string[] = [];
  const alerting = new Alerting({
    deliveries,
    incidents,
    queue,
    clock,
    channels: channels(),
    routes: [{ match: {}, channels: ['slack'] }],
    command: 'plumbline',
    publicUrl: null,
    canRestore: () => true,
    backoffMs: 5,
    onOutcome: (channel, outcome) => outcomes.push(`${channel} ${outcome}`),
    ...changes,
  });
  const desk = new IncidentDesk({
    incidents,
    announcer: alerting,
    countAffected: async () => 3,
    queue,
    clock,
    onProblem: () => undefined,
  });
  await alerting.start();
  await desk.start();
  await queue.start();
  stops.push(async () => {
    await queue.stop(1_000);
    await desk.stop();
    await alerting.stop();
  });
  return { desk, alerting, queue, incidents, deliveries, clock, outcomes };
}

function start(changes: Partial<AlertingOptions> = {}) {
  return startOn(new MemoryIncidentLog(), new MemoryDeliveryLog(), changes);
}

/** The same edit in so many places. */
function editedAt(count: number) {
  return Array.from({ length: count }, (_, index) => {
    return { ...edited, judgement: { ...edited.judgement, target: `checkout-${index}/support.intent` } };
  });
}

async function statuses(log: MemoryDeliveryLog, wanted: readonly string[]): Promise<void> {
  await vi.waitFor(
    () => {
      expect(log.statuses()).toEqual(wanted);
    },
    { timeout: 60_000, interval: 5 },
  );
}

describe('from a judgement to Slack', () => {
  it('announces a drift once and its end once, to every channel, whatever is repeated', async () => {
    const { desk, deliveries } = await start({ routes: [] });
    for (const finding of [good, edited, edited, edited]) await desk.take([finding]);
    await statuses(deliveries, ['opened slack delivered', 'opened webhook delivered']);
    for (const finding of [good, good]) await desk.take([finding]);
    await statuses(deliveries, [
      'opened slack delivered',
      'opened webhook delivered',
      'resolved slack delivered',
      'resolved webhook delivered',
    ]);
    expect(slack.messages.map(({ text }) => text.split(':')[0])).toEqual(['Prompt drift', 'Resolved']);
    expect(JSON.stringify(slack.messages[0])).toContain(
      '+You classify support messages. Answer with one label: invoices',
    );
    expect(JSON.stringify(slack.messages[0])).toContain('plumbline restore checkout-config/support.intent');
    expect(receiver.messages.map((message) => [message.transition, message.incident.invocations_affected])).toEqual([
      ['opened', 3],
      ['resolved', 3],
    ]);
    expect(slack.requests + receiver.requests).toBe(4);
  });

  it('tries again after an error and after a 429, and delivers once', async () => {
    const { desk, deliveries } = await start();
    slack.misbehave({ status: 500 }, { status: 429, headers: { 'retry-after': '0' } }, 'reset');
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect([slack.requests, slack.messages.length]).toEqual([4, 1]);
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
    const { desk, deliveries, alerting } = await start({ onPutOff: (channel, _id, why) => told.push(channel, why) });
    slack.misbehave({ status: 500 }, { status: 500 }, { status: 429, headers: { 'retry-after': '1' } });
    await desk.take([edited]);
    await vi.waitFor(() => expect(slack.requests).toBe(3), 60_000);
    expect(told).toEqual(['slack', expect.stringMatching(/ answered 500\.$/)]);
    expect(alerting.problems()).toEqual(['The last alert through slack did not get out.']);
    await statuses(deliveries, ['opened slack delivered']);
    expect(alerting.problems()).toEqual([]);
  });

  it('sends what the queue did not take as soon as it takes work again', async () => {
    const { desk, deliveries, alerting, queue, clock } = await start();
    const add = queue.add.bind(queue);
    queue.add = () => Promise.reject(new Error('Redis is away.'));
    await desk.take([edited]);
    queue.add = add;
    clock.advance(1_000);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack delivered']);
    expect(slack.requests).toBe(1);
  });

  it('waits as long as the receiver asks, instead of its own back-off', async () => {
    // With the back-off of a minute this test would not end in time.
    const { desk, deliveries } = await start({ backoffMs: 60_000 });
    slack.misbehave({ status: 429, headers: { 'retry-after': '0' } });
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(slack.requests).toBe(2);
  });

  it('loses none of many alerts at once to a receiver that takes one a second, and does not push it', async () => {
    const oneEach = new Map(
      [...channels()].map(([name, channel]): [string, Channel] => [
        name,
        { send: (alert, signal) => channel.send(alert, signal) },
      ]),
    );
    const { desk, deliveries } = await start({ clock: systemClock, channels: oneEach });
    slack.takesOneIn(1_000);
    await desk.take(editedAt(20));
    await statuses(deliveries, Array<string>(20).fill('opened slack delivered'));
    expect(slack.messages).toHaveLength(20);
    // Each was refused no more than now and then: with its own attempts, some would have been refused 13 times.
    expect(slack.requests).toBeLessThan(3 * 20);
  }, 120_000);

  it('gives up on a receiver that only ever asks for patience after a day', async () => {
    const { desk, deliveries, clock } = await start();
    slack.takesOneIn(Number.POSITIVE_INFINITY);
    await desk.take([edited]);
    await vi.waitFor(() => expect(slack.requests).toBeGreaterThan(1), 60_000);
    expect(deliveries.statuses()).toEqual(['opened slack pending']);
    clock.advance(25 * 3_600_000);
    await statuses(deliveries, ['opened slack failed']);
    expect(deliveries.rows.at(-1)?.detail).toContain('429');
  }, 60_000);

  it('gives up at once when the webhook was removed, and says why', async () => {
    const { desk, deliveries } = await start();
    slack.remove();
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack failed']);
    expect(deliveries.rows.at(-1)?.detail).toContain('no_service. The webhook was removed');
    await desk.take([good]);
    await statuses(deliveries, ['opened slack failed', 'resolved slack suppressed']);
    expect(slack.requests).toBe(1);
  });

  it('gives up on a channel that does not answer, in time', async () => {
    const { desk, deliveries } = await start({ sendTimeoutMs: 20 });
    slack.misbehave('hang');
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(deliveries.rows.map((row) => row.detail)).toContain('Channel slack did not answer in time.');
  });

  it('tells a story in its order, also when its beginning is delayed', async () => {
    const { desk, deliveries } = await start();
    slack.misbehave({ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 });
    await desk.take([edited]);
    await desk.take([good]);
    await statuses(deliveries, ['opened slack delivered', 'resolved slack delivered']);
    expect(slack.messages.map(({ text }) => text.split(':')[0])).toEqual(['Prompt drift', 'Resolved']);
  });

  it('does not send again because the receipt could not be stored', async () => {
    const { desk, deliveries } = await start();
    const append = deliveries.append.bind(deliveries);
    let refusals = 3;
    deliveries.append = async (row) => {
      if (row.status === 'delivered' && refusals > 0) {
        refusals -= 1;
        throw new Error('The store is away.');
      }
      await append(row);
    };
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect([slack.requests, refusals]).toEqual([1, 0]);
  });

  it('keeps quiet when asked to, and records it', async () => {
    const { desk, deliveries, incidents, outcomes } = await start();
    await desk.take([findingOf('Old.')]);
    await statuses(deliveries, ['opened slack delivered']);
    await desk.snooze(incidents.revisions[0]?.incident.id ?? '', time('09:00:00'), 'ada');
    await desk.take([edited]);
    await desk.take([good]);
    await statuses(deliveries, ['opened slack delivered', 'escalated slack suppressed', 'resolved slack delivered']);
    expect(outcomes).toContain('slack suppressed');
  });

  it('records what no route wants', async () => {
    const { desk, deliveries } = await start({
      routes: [{ match: { environment: ['staging'] }, channels: ['slack'] }],
    });
    await desk.take([edited]);
    await statuses(deliveries, ['opened (no route) suppressed']);
    expect(slack.requests).toBe(0);
  });
});

describe('many at once', () => {
  it('are one message to people, and one each to machines', async () => {
    const { desk, deliveries } = await start({ routes: [], clock: systemClock });
    slack.takesOneIn(1_000);
    await desk.take(editedAt(30));
    const all = (transition: string) => Array<string>(30).fill(`${transition} slack delivered`);
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'opened slack delivered')).toEqual(all('opened'));
    }, 60_000);
    // One, unless the machine is so slow that they do not come together.
    expect(slack.messages.length).toBeLessThan(6);
    const [message] = slack.messages;
    expect(message?.text).toMatch(/^Prompt drift: support\.intent in production is out of true, in \d+ places\.$/);
    expect(JSON.stringify(message)).toContain('plumbline restore checkout-10/support.intent');
    await vi.waitFor(() => expect(receiver.messages).toHaveLength(30), 60_000);
    const told = slack.messages.length;
    await desk.take(
      editedAt(30).map((finding) => ({ ...good, judgement: { ...good.judgement, target: finding.judgement.target } })),
    );
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'resolved slack delivered')).toEqual(all('resolved'));
    }, 60_000);
    expect(slack.messages.length - told).toBeLessThan(6);
    expect(slack.messages.at(-1)?.text).toMatch(
      /^Resolved: support\.intent in production: \d+ incidents are resolved\.$/,
    );
  }, 180_000);

  it('come again together when the receiver is away or asks for patience', async () => {
    const { desk, deliveries } = await start({ clock: systemClock });
    slack.misbehave({ status: 503 }, { status: 429, headers: { 'retry-after': '1' } });
    await desk.take(editedAt(10));
    await statuses(deliveries, Array<string>(10).fill('opened slack delivered'));
    expect(slack.messages.length).toBeLessThan(5);
  }, 120_000);

  it('are not lost with the one that a receiver does not take', async () => {
    const { desk, deliveries } = await start();
    slack.refuses(/checkout-3\//);
    await desk.take(editedAt(8));
    await vi.waitFor(() => expect(deliveries.statuses().filter((row) => row.endsWith('pending'))).toEqual([]), 60_000);
    expect(deliveries.statuses().filter((row) => row.endsWith('delivered'))).toHaveLength(7);
    expect(deliveries.rows.find((row) => row.status === 'failed')?.detail).toContain('400: invalid_blocks');
  });

  it('are given up with one request when the webhook was removed', async () => {
    const { desk, deliveries } = await start();
    slack.remove();
    await desk.take(editedAt(8));
    await statuses(deliveries, Array<string>(8).fill('opened slack failed'));
    expect(slack.requests).toBeLessThan(5);
  });

  it('leave at once when the daemon stops', async () => {
    const stopping = new AbortController();
    // Without the stop this test would not end in time.
    const { desk, deliveries } = await start({ quietMs: 3_600_000, stopping: stopping.signal });
    await desk.take(editedAt(3));
    await vi.waitFor(async () => expect(deliveries.statuses()).toHaveLength(3));
    await new Promise((resolve) => setTimeout(resolve, 100));
    stopping.abort();
    await statuses(deliveries, Array<string>(3).fill('opened slack delivered'));
  });

  it('do not wait for a channel that hangs', async () => {
    const { desk, deliveries } = await start({ routes: [], sendTimeoutMs: 3_600_000 });
    receiver.misbehave(...Array<'hang'>(8).fill('hang'));
    await desk.take(editedAt(8));
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'opened slack delivered')).toHaveLength(8);
    }, 60_000);
  });
});

describe('after a crash', () => {
  const incident = openIncident(edited);
  const row = newDelivery(incident, 'opened', 'slack', null, time('02:41:39'));

  it('sends what was stored and not sent, once', async () => {
    const [incidents, deliveries] = [new MemoryIncidentLog(), new MemoryDeliveryLog()];
    await deliveries.append(row);
    await incidents.append(incident, 'opened', 'plumbline');
    await startOn(incidents, deliveries);
    await statuses(deliveries, ['opened slack delivered']);
    expect(slack.messages).toHaveLength(1);
  });

  it('holds an alert whose incident was not stored until it is, or never comes', async () => {
    const [incidents, deliveries] = [new MemoryIncidentLog(), new MemoryDeliveryLog()];
    await deliveries.append(row);
    const { desk, alerting, clock } = await startOn(incidents, deliveries);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack pending']);
    await desk.take([edited]);
    await statuses(deliveries, ['opened slack delivered']);
    expect(slack.messages).toHaveLength(1);

    await deliveries.append(newDelivery({ ...incident, id: 'ghost' }, 'opened', 'slack', null, clock.now()));
    clock.advance(2 * 3_600_000);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack delivered', 'opened slack failed']);
  });

  it('finds a row whose job is lost', async () => {
    const { desk, alerting, queue, deliveries, clock } = await start();
    const add = queue.add.bind(queue);
    queue.add = async (name, data, options) => (name.startsWith('deliver.') ? true : add(name, data, options));
    await desk.take([edited]);
    queue.add = add;
    clock.advance(60_000);
    await alerting.sweep();
    expect(slack.requests).toBe(0);
    clock.advance(10 * 60_000);
    await alerting.sweep();
    await statuses(deliveries, ['opened slack delivered']);
  });
});

describe('on the real store', () => {
  const directory = tempDirectory();

  it('does the same, and survives a restart between the drift and its end', async () => {
    const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
    stops.push(() => database.close());
    await migrate(database, systemClock);
    const { incidents, deliveries } = createStore(database, systemClock);
    const first = await startOn(incidents, deliveries);
    await first.desk.take([edited, edited]);
    await slack.received(1);
    const [opened] = (await incidents.list({ status: 'unresolved' }, { limit: 10 })).items;
    expect(opened).toMatchObject({ status: 'open', revision: 1, invocationsAffected: 3 });
    await vi.waitFor(async () => {
      expect(await deliveries.pending(10)).toEqual([]);
    }, 60_000);
    await first.queue.stop(1_000);

    const second = await startOn(incidents, deliveries);
    second.clock.advance(60_000);
    await second.desk.take([edited]);
    await second.desk.take([good]);
    await second.desk.take([good]);
    await slack.received(2);
    await vi.waitFor(async () => {
      const rows = await deliveries.list(opened?.id ?? '');
      expect(rows.map((each) => `${each.transition} ${each.status}`)).toEqual([
        'opened delivered',
        'resolved delivered',
      ]);
    }, 60_000);
    expect(await incidents.get(opened?.id ?? '')).toMatchObject({ status: 'resolved', resolution: 'in_sync_again' });
    expect(slack.requests).toBe(2);
  });
});
