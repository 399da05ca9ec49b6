/** What tests of alerts need: Slack's and a webhook's receivers, and a daemon's desk, alerting and queue on given logs. */

import { afterEach, beforeEach, expect, vi } from 'vitest';
import { Alerting, type AlertingOptions } from '../../src/alerting/alerting.ts';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import type { Channel } from '../../src/contract/channel.ts';
import type { Queue } from '../../src/contract/queue.ts';
import type { DeliveryLog, IncidentLog } from '../../src/contract/store.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { boundedFetch } from '../../src/lib/http.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';
import { EDITED_TEXT, findingOf, GOOD_TEXT } from '../support/judgements.ts';
import { MemoryDeliveryLog, MemoryIncidentLog } from '../support/memory-logs.ts';
import { time } from '../support/prompts.ts';
import { SlackStandIn } from '../support/slack.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

export const good = findingOf(GOOD_TEXT);
export const edited = findingOf(EDITED_TEXT);

export interface AlertingDaemon<Incidents extends IncidentLog, Deliveries extends DeliveryLog> {
  readonly desk: IncidentDesk;
  readonly alerting: Alerting;
  readonly queue: Queue;
  readonly incidents: Incidents;
  readonly deliveries: Deliveries;
  readonly clock: TurnableClock;
  readonly outcomes: string[];
}

/** Made anew for each test of the file that creates it. */
export class AlertScene {
  slack!: SlackStandIn;
  receiver!: WebhookReceiver;
  readonly #stops: (() => Promise<void>)[] = [];

  constructor() {
    beforeEach(async () => {
      this.slack = await SlackStandIn.start();
      this.atEnd(() => this.slack.stop());
      this.receiver = await WebhookReceiver.start();
      this.atEnd(() => this.receiver.stop());
    });
    afterEach(async () => {
      for (const stop of this.#stops.splice(0).toReversed()) await stop();
    });
  }

  /** Last first. */
  atEnd(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  channels(): ReadonlyMap<string, Channel> {
    const configs = { slack: { webhook_url: this.slack.url }, webhook: { url: this.receiver.url, secret: 'k' } };
    return new Map(
      Object.entries(configs).map(([type, config]) => {
        const plugin = CHANNEL_PLUGINS.find((each) => each.type === type);
        if (plugin === undefined) throw new Error(`No channel ${type}.`);
        return [type, plugin.open(config, { name: type, fetch: boundedFetch(), print: () => undefined })];
      }),
    );
  }

  start(changes: Partial<AlertingOptions> = {}): Promise<AlertingDaemon<MemoryIncidentLog, MemoryDeliveryLog>> {
    return this.startOn(new MemoryIncidentLog(), new MemoryDeliveryLog(), changes);
  }

  async startOn<Incidents extends IncidentLog, Deliveries extends DeliveryLog>(
    incidents: Incidents,
    deliveries: Deliveries,
    changes: Partial<AlertingOptions> = {},
  ): Promise<AlertingDaemon<Incidents, Deliveries>> {
    const { queue = createQueue({ clock: systemClock }) } = changes;
    const clock = new TurnableClock(time('02:41:40'));
    const outcomes: string[] = [];
    const alerting = new Alerting({
      deliveries,
      incidents,
      queue,
      clock,
      channels: this.channels(),
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
    this.atEnd(async () => {
      await queue.stop(1_000);
      await desk.stop();
      await alerting.stop();
    });
    return { desk, alerting, queue, incidents, deliveries, clock, outcomes };
  }
}

/** The same edit in so many places. */
export function editedAt(count: number) {
  return Array.from({ length: count }, (_, index) => {
    return { ...edited, judgement: { ...edited.judgement, target: `checkout-${index}/support.intent` } };
  });
}

export async function statuses(log: MemoryDeliveryLog, wanted: readonly string[]): Promise<void> {
  await vi.waitFor(
    () => {
      expect(log.statuses()).toEqual(wanted);
    },
    { timeout: 60_000, interval: 5 },
  );
}
