/**
 * The pipeline of an alert: route, mute, dedup, pace, group, deliver with retry, record. A row comes
 * before a job, and a job without a row does not exist. Decisions are in the files beside this one; here are
 * only their effects.
 */

import { randomUUID } from 'node:crypto';
import type { Alert, Channel } from '../contract/channel.ts';
import type { Component } from '../contract/component.ts';
import { describeError, Fault, isFault, isTransient } from '../contract/fault.ts';
import type { Incident, IncidentTransition } from '../contract/incident.ts';
import type { Job, Queue } from '../contract/queue.ts';
import type { Delivery, DeliveryLog, IncidentLog } from '../contract/store.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import { type AlertOptions, buildAlert, buildGroup } from './alert.ts';
import { type Turn, turnOf, waitingFor, wasFor } from './dedup.ts';
import { Gathering, GROUP_MAX, QUIET_MS } from './group.ts';
import { isAnnounced, muteReason } from './mute.ts';
import { NotQueued } from './not-queued.ts';
import { Pace } from './pace.ts';
import { type Sent, Receipts } from './receipts.ts';
import { abandoned, attemptFailed, isGivenUp, newDelivery, suppressed, undone } from './record.ts';
import { ATTEMPTS_MAX, BACKOFF_MS, comeBackMs, isOrphaned, isOutOfPatience, isStranded } from './retry.ts';
import { type AlertRoute, routeIncident } from './route.ts';

export interface AlertingOptions extends AlertOptions {
  readonly deliveries: DeliveryLog;
  readonly incidents: IncidentLog;
  readonly queue: Queue;
  readonly clock: Clock;
  /** By name, in the order of the configuration. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly routes: readonly AlertRoute[];
  /** One attempt at one channel. Default 10 s. */
  readonly sendTimeoutMs?: number;
  /** Before the second attempt; doubles from there. Default 2 s. */
  readonly backoffMs?: number;
  /** An alert waits so long for others to go with it, longer while they come. Default 1 s. */
  readonly quietMs?: number;
  /** From its abort on no alert waits for others: whoever stops does not want to wait. */
  readonly stopping?: AbortSignal;
  /** For metrics: how each delivery ended, or was put off. */
  readonly onOutcome?: (channel: string, outcome: Delivery['status']) => void;
  /** A first attempt that failed and will be repeated; the queue tells of what it gives up. */
  readonly onPutOff?: (channel: string, incident: string, why: string) => void;
}

const DELIVER_JOB = 'deliver';
const SWEEP_JOB = 'deliver-sweep';
const SWEEP_EVERY_MS = 60_000;
const SEND_TIMEOUT_MS = 10_000;
/** Messages at a time through a channel that takes each alert by itself. */
const CONCURRENCY = 4;
const PENDING_MAX = 1_000;
/** After the moment itself, so that whoever puts an alert off is done with it when its job comes. */
const TURN_MARGIN_MS = 20;
/** Row of an alert that no route wants: shown and counted, sent to nobody. */
const NO_CHANNEL = '(no route)';

interface Outgoing {
  readonly delivery: Delivery;
  readonly alert: Alert;
  readonly signal: AbortSignal;
}

export class Alerting implements Component {
  readonly name = 'alerting';
  readonly #options: AlertingOptions;
  readonly #receipts = new Receipts(
    (rows) => this.#record(...rows),
    () => this.#now(),
  );
  /** Until when (monotonic) a receiver asked us to stay away, by delivery. */
  readonly #stayAwayUntilMs = new Map<string, number>();
  readonly #sending = new Set<string>();
  readonly #notQueued = new NotQueued((ids) => this.#offerAgain(ids));
  /** Channels through which the last attempt of this process failed. */
  readonly #failing = new Set<string>();
  /** Of each channel whose receiver asked for patience. */
  readonly #paces = new Map<string, Pace>();
  /** Of each channel that takes several in one message: what is wrong, and what is over. */
  readonly #gatherings = new Map<string, Gathering<Outgoing, Sent>>();

  constructor(options: AlertingOptions) {
    this.#options = options;
    const { queue, channels } = options;
    // Rows of channels that are not configured any more.
    queue.handle(DELIVER_JOB, CONCURRENCY, (job) => this.#deliver(job));
    // A lane each: a receiver that hangs holds up nobody else's alerts.
    for (const [name, channel] of channels) {
      queue.handle(laneOf(name), messageMax(channel) > 1 ? GROUP_MAX : CONCURRENCY, (job) => this.#deliver(job));
    }
    queue.handle(SWEEP_JOB, 1, () => this.sweep());
    options.stopping?.addEventListener('abort', () => {
      for (const gathering of this.#gatherings.values()) gathering.hurry();
    });
  }

  /** Takes up what the last process left. */
  async start(): Promise<void> {
    const rows = await this.#options.deliveries.pending(PENDING_MAX);
    try {
      for (const row of rows) if (await this.#isIncidentStored(row)) await this.#enqueue(row, row.id);
    } catch (error) {
      if (!isTransient(error)) throw error;
      // Redis is away.
      this.#notQueued.add(rows.map(({ id }) => id));
    }
    this.#options.queue.every(SWEEP_JOB, 'all', SWEEP_EVERY_MS, {});
  }

  async stop(): Promise<void> {
    this.#notQueued.stop();
    this.#options.queue.cancel(SWEEP_JOB, 'all');
    for (const channel of this.#options.channels.values()) await channel.close?.();
  }

  /** Stages 1 and 2. */
  async prepare(incident: Incident, transition: IncidentTransition | 'updated'): Promise<readonly Delivery[]> {
    const now = this.#now();
    const before = await this.#options.deliveries.list(incident.id);
    for (const row of undone(before, incident, transition)) {
      await this.#record(abandoned(row, 'this did not happen: the daemon stopped before it was stored', now));
    }
    if (!isAnnounced(transition)) return [];
    const all = [...this.#options.channels.keys()];
    const routed = routeIncident(incident, this.#options.routes, all);
    // Who heard of it hears its end, wherever its present severity, verdict or owner would lead.
    const names =
      transition === 'resolved' ? all.filter((name) => routed.includes(name) || wasFor(name, before)) : routed;
    const muted = names.length === 0 ? 'no route matches' : muteReason(incident, transition, now);
    const rows: Delivery[] = [];
    for (const channel of names.length === 0 ? [NO_CHANNEL] : names) {
      const row = newDelivery(incident, transition, channel, muted, now);
      const known = before.find((other) => other.id === row.id && !isGivenUp(other));
      if (known === undefined) await this.#record(row);
      rows.push(known ?? row);
    }
    return rows;
  }

  async dispatch(rows: readonly Delivery[]): Promise<void> {
    const open = rows.filter((row) => row.status === 'pending');
    try {
      for (const row of open) await this.#enqueue(row, row.id);
    } catch (error) {
      this.#notQueued.add(open.map(({ id }) => id));
      throw error;
    }
  }

  /** What a person should know now. */
  problems(): readonly string[] {
    return [...this.#failing].map((channel) => `The last alert through ${channel} did not get out.`);
  }

  async #enqueue(delivery: Delivery, jobId: string, turn?: { readonly inMs: number }): Promise<void> {
    const options = { id: jobId, attempts: ATTEMPTS_MAX, backoffMs: this.#backoffMs, delayMs: turn?.inMs ?? 0 };
    const lane = this.#options.channels.has(delivery.channel) ? laneOf(delivery.channel) : DELIVER_JOB;
    await this.#options.queue.add(lane, { delivery: delivery.id, isTurn: turn !== undefined }, options);
    this.#notQueued.delete(delivery.id);
  }

  /** Stages 3 to 7, for one alert. Throws a `Fault` to be tried again by the queue. */
  async #deliver(job: Job): Promise<void> {
    const id = deliveryOf(job);
    // A sweep may have given the same alert a second job.
    if (this.#sending.has(id)) return;
    this.#sending.add(id);
    try {
      await this.#deliverOnce(id, job);
    } finally {
      this.#sending.delete(id);
    }
  }

  async #deliverOnce(id: string, job: Job): Promise<void> {
    const found = await this.#lookUp(id);
    if (found === null) return;
    const { delivery, incident, all } = found;
    // What is out comes to its end here, also when its row was recorded with another of its message.
    const turn: Turn = this.#receipts.unrecorded(id) === undefined ? turnOf(delivery, all, incident) : { turn: 'now' };
    if (turn.turn === 'never' || turn.turn === 'later' || incident === null) return;
    if (turn.turn === 'suppressed') await this.#record(suppressed(delivery, turn.reason, this.#now()));
    else if (await this.#isPutOff(delivery, isTurn(job))) return;
    else if (!(await this.#send(delivery, incident, job))) return;
    this.#paces.get(delivery.channel)?.settled(delivery.id);
    await this.#callUp(delivery);
  }

  async #lookUp(id: string): Promise<{
    readonly delivery: Delivery;
    readonly incident: Incident | null;
    readonly all: readonly Delivery[];
  } | null> {
    const { deliveries, incidents } = this.#options;
    const delivery = await deliveries.get(id);
    if (delivery === null) return null;
    // What is told late is told as it was: one that opened is not resolved yet, and what came later has its own alert.
    const incident = await incidents.atRevision(delivery.incidentId, delivery.incidentRevision);
    return { delivery, incident, all: await deliveries.list(delivery.incidentId) };
  }

  /** False: the receiver asked for patience, and it comes again at its turn. */
  async #send(delivery: Delivery, incident: Incident, job: Job): Promise<boolean> {
    const channel = this.#options.channels.get(delivery.channel);
    if (channel === undefined) {
      await this.#record(abandoned(delivery, 'this channel is not configured any more', this.#now()));
      return true;
    }
    let sent: Sent;
    try {
      sent = this.#receipts.unrecorded(delivery.id) ?? (await this.#sendWithOthers(channel, delivery, incident, job));
    } catch (error) {
      const fault = asFault(error);
      const comesAgain = fault.kind === 'overloaded' && !isOutOfPatience(delivery, this.#now());
      await this.#recordFailure(delivery, fault, job, comesAgain);
      if (!comesAgain) throw fault;
      await this.#isPutOff(delivery, true);
      return false;
    }
    await this.#receipts.record(delivery.id, sent);
    this.#failing.delete(delivery.channel);
    this.#stayAwayUntilMs.delete(delivery.id);
    return true;
  }

  /** True when it has to wait for its turn at a receiver that asked for patience, and has a job for then. */
  async #isPutOff(delivery: Delivery, isItsTurn: boolean): Promise<boolean> {
    const pace = this.#paces.get(delivery.channel);
    if (pace === undefined) return false;
    const waitMs = pace.waitMs(delivery.id, isItsTurn, this.#nowMs());
    if (waitMs === 0) return false;
    // The job for its turn is on its way.
    if (waitMs === null) return true;
    try {
      const turn = { inMs: Math.ceil(waitMs) + TURN_MARGIN_MS };
      await this.#enqueue(delivery, `${delivery.id}.turn.${randomUUID()}`, turn);
    } catch (error) {
      pace.settled(delivery.id);
      throw error;
    }
    return true;
  }

  #paceOf(name: string, channel: Channel): Pace {
    const known = this.#paces.get(name);
    if (known !== undefined) return known;
    const pace = new Pace(messageMax(channel));
    this.#paces.set(name, pace);
    return pace;
  }

  #sendWithOthers(channel: Channel, delivery: Delivery, incident: Incident, job: Job): Promise<Sent> {
    const alert = buildAlert(delivery, incident, this.#now(), this.#options);
    const outgoing = { delivery, alert, signal: job.signal };
    if (messageMax(channel) === 1) return this.#sendMessage(channel, [outgoing]);
    const key = `${delivery.transition === 'resolved' ? 'over' : 'wrong'} ${delivery.channel}`;
    const gathering = this.#gatherings.get(key) ?? this.#gathering(channel);
    this.#gatherings.set(key, gathering);
    return gathering.add(outgoing);
  }

  #gathering(channel: Channel): Gathering<Outgoing, Sent> {
    const { quietMs = QUIET_MS, stopping } = this.#options;
    return new Gathering(
      stopping?.aborted === true ? 0 : quietMs,
      () => this.#nowMs(),
      (group) => this.#sendMessage(channel, group),
    );
  }

  async #sendMessage(channel: Channel, group: readonly Outgoing[]): Promise<Sent> {
    const [first] = group;
    if (first === undefined) throw new Error('A message is about one alert at least.');
    const timeout = AbortSignal.timeout(this.#options.sendTimeoutMs ?? SEND_TIMEOUT_MS);
    const signal = AbortSignal.any([first.signal, timeout]);
    const alerts = group.map(({ alert }) => alert);
    const deliveries = group.map(({ delivery }) => delivery);
    try {
      if (group.length === 1 || channel.sendTogether === undefined) {
        return { receipt: await channel.send(first.alert, signal), message: null, deliveries };
      }
      const message = buildGroup(alerts, this.#options);
      return { receipt: await channel.sendTogether(message, signal), message: message.id, deliveries };
    } catch (error) {
      const { delivery } = first;
      if (timeout.aborted) throw new Fault('transient', `Channel ${delivery.channel} did not answer in time.`);
      const fault = asFault(error);
      if (fault.kind === 'overloaded') {
        const waitMs = comeBackMs(fault, delivery, this.#backoffMs);
        this.#paceOf(delivery.channel, channel).refused(this.#nowMs(), waitMs);
      }
      throw fault;
    }
  }

  async #recordFailure(delivery: Delivery, fault: Fault, job: Job, comesAgain: boolean): Promise<void> {
    const hopeless = fault.kind === 'config' || fault.kind === 'permanent' || fault.kind === 'overloaded';
    const isLast = !comesAgain && (hopeless || job.attempt >= job.attemptsMax);
    const stayAwayUntilMs = this.#nowMs() + (fault.retryAfterMs ?? 0);
    if (isLast) this.#stayAwayUntilMs.delete(delivery.id);
    else this.#stayAwayUntilMs.set(delivery.id, stayAwayUntilMs);
    this.#failing.add(delivery.channel);
    if (!isLast && delivery.attempts === 0)
      this.#options.onPutOff?.(delivery.channel, delivery.incidentId, describeError(fault));
    await this.#record(attemptFailed(delivery, describeError(fault), isLast, this.#now()));
    if (isLast) await this.#callUp(delivery);
  }

  /** Alerts about the same incident that waited for this one. A fresh job id, because their first job is done. */
  async #callUp(delivery: Delivery): Promise<void> {
    const [next] = waitingFor(delivery, await this.#options.deliveries.list(delivery.incidentId));
    if (next !== undefined) await this.#enqueue(next, `${next.id}.after.${delivery.id}`);
  }

  /** Finds rows whose job was lost: a queue that was emptied, an id that was still taken. Runs by itself every minute. */
  async sweep(): Promise<void> {
    const now = this.#now();
    const nowMs = this.#nowMs();
    for (const row of await this.#options.deliveries.pending(PENDING_MAX)) {
      if (!isStranded(row, now) || nowMs < (this.#stayAwayUntilMs.get(row.id) ?? 0)) continue;
      if (await this.#isIncidentStored(row)) await this.#enqueue(row, `${row.id}.sweep.${minuteOf(now)}`);
      else if (isOrphaned(row, now)) await this.#record(abandoned(row, 'its incident was never stored', now));
    }
  }

  /** What the queue did not take. By their first id: of one that it took without answering there is no second job. */
  async #offerAgain(ids: ReadonlySet<string>): Promise<void> {
    const rows = await this.#options.deliveries.pending(PENDING_MAX);
    for (const row of rows) {
      if (ids.has(row.id) && (await this.#isIncidentStored(row))) await this.#enqueue(row, row.id);
    }
    // Sent by another replica, or for the sweep to find.
    for (const id of ids) this.#notQueued.delete(id);
  }

  async #isIncidentStored(row: Delivery): Promise<boolean> {
    const incident = await this.#options.incidents.get(row.incidentId);
    return incident !== null && incident.revision >= row.incidentRevision;
  }

  async #record(...deliveries: readonly Delivery[]): Promise<void> {
    await this.#options.deliveries.append(deliveries);
    for (const { channel, status } of deliveries) this.#options.onOutcome?.(channel, status);
  }

  get #backoffMs(): number {
    return this.#options.backoffMs ?? BACKOFF_MS;
  }

  #now(): Timestamp {
    return this.#options.clock.now();
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

function laneOf(channel: string): string {
  return `${DELIVER_JOB}.${channel}`;
}

/** Alerts that one message of this channel may be about. */
function messageMax(channel: Channel): number {
  return channel.sendTogether === undefined ? 1 : GROUP_MAX;
}

/** Digits only, for a job id. */
function minuteOf(time: Timestamp): string {
  return time.slice(0, 16).replaceAll(/\D/g, '');
}

function deliveryOf(job: Job): string {
  const data = job.data as { readonly delivery?: unknown };
  if (typeof data.delivery !== 'string') throw new Fault('permanent', `Job ${job.id} names no delivery.`);
  return data.delivery;
}

function isTurn(job: Job): boolean {
  return (job.data as { readonly isTurn?: unknown }).isTurn === true;
}

/** A channel throws faults; anything else (an aborted fetch, a reset connection) is worth another try. */
function asFault(error: unknown): Fault {
  if (isFault(error)) return error;
  return new Fault('transient', describeError(error), { cause: error });
}
