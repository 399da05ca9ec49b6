/**
 * What of the daemon needs no store: takes telemetry into the spool, and says over HTTP how the daemon is. It may be
 * open long before the rest is there, and is the first to be stopped.
 */

import { OtlpGrpcReceiver } from '../../collectors/otlp/grpc.ts';
import { ThreadedHttpReceiver } from '../../collectors/otlp/http-in-thread.ts';
import { InFlight } from '../../collectors/otlp/limits.ts';
import { observeInFlight } from '../../collectors/otlp/metrics.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Component } from '../contract/component.ts';
import { describeError, Fault, isFault, stackOf } from '../contract/fault.ts';
import type { Feedback } from '../contract/feedback.ts';
import type { AuthorizeIngest } from '../contract/telemetry.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Api, DaemonStatus, FeedbackApi, HealthApi } from '../http/api.ts';
import { admit } from '../http/auth.ts';
import { HttpServer } from '../http/server.ts';
import { contentPolicies } from '../ingest/content/policy.ts';
import { isWorthAThread } from '../ingest/drafting/drafter-in-thread.ts';
import { Entrance } from '../ingest/entrance.ts';
import { systemClock } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import type { MetricsReader } from '../observability/metrics.ts';
import { announceAddress } from '../store/engine/data-directory.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { observeProblems } from './counts.ts';
import type { Stoppable } from './end-in-turn.ts';
import type { MemoryBudget } from './memory/memory-budget.ts';
import { MemoryWatch } from './memory/memory-watch.ts';

export interface ReceptionOptions {
  readonly configuration: Configuration;
  readonly version: string;
  readonly memory: MemoryBudget;
  readonly log: Log;
  readonly metrics: MetricsReader;
}

/** See `DaemonStatus`. */
export type DaemonState = Pick<DaemonStatus, 'ready' | 'problems'>;

// What is told to come back does so soon after the store was found again.
const RETRY_AFTER_MS = 5_000;

export class Reception {
  readonly health: HealthApi;
  readonly feedback: FeedbackApi = { takeFeedback: (feedback) => this.#takeFeedback(feedback) };
  readonly entrance: Entrance;
  readonly directory: DirectoryWatch;
  readonly #options: ReceptionOptions;
  readonly #startedAt: Timestamp = systemClock.now();
  readonly #http: HttpServer;
  readonly #otlpHttp: ThreadedHttpReceiver;
  readonly #otlpGrpc: OtlpGrpcReceiver;
  readonly #memoryWatch: MemoryWatch;
  #isOpen = false;
  #state: (() => DaemonState) | null = null;
  #waitsBecause: string | null = null;

  constructor(options: ReceptionOptions) {
    const { configuration, version, memory, log, metrics } = options;
    const { server, keys } = configuration;
    this.#options = options;
    this.directory = new DirectoryWatch(configuration.dataDirectory, configuration.store.kind, log);
    this.entrance = createEntrance(options, () => this.directory.isThere);
    this.health = {
      status: () => ({ version, startedAt: this.#startedAt, ...(this.#state ?? this.#earlyState)() }),
      metrics: () => metrics.text(),
    };
    observeProblems(() => this.health.status().problems);
    const { host, port, publicUrl } = server;
    const onBug = (error: unknown, where: string): void => log.error({ error: stackOf(error) }, `a bug in ${where}`);
    this.#http = new HttpServer(
      { ...this.health, ...this.feedback, notYet: (mayRead) => this.#notYet(mayRead) },
      { host, port, keys, publicUrl, version, onBug },
    );
    const inFlight = new InFlight(memory.otlp.inFlightBytesMax);
    observeInFlight(() => inFlight.bytes);
    const onShort = (isShort: boolean): void => {
      inFlight.hold(isShort);
      this.entrance.memoryIsShort(isShort);
    };
    this.#memoryWatch = new MemoryWatch({ ...memory.watch, onShort });
    const shared = {
      host,
      accept: this.entrance.accept,
      authorize: authorizeIngest(configuration),
      limits: memory.otlp,
      inFlight,
      onError: ingestErrors(log),
    };
    this.#otlpHttp = new ThreadedHttpReceiver({ ...shared, port: server.otlpPort });
    this.#otlpGrpc = new OtlpGrpcReceiver({ ...shared, port: server.grpcPort });
  }

  /** Of what listens, once it is open. */
  get addresses(): { readonly api: string; readonly otlp: string; readonly grpc: string } {
    const { host } = this.#options.configuration.server;
    return {
      api: this.#http.address,
      otlp: `http://${hostInUrl(host)}:${this.#otlpHttp.port}`,
      grpc: `${hostInUrl(host)}:${this.#otlpGrpc.port}`,
    };
  }

  /** In the order in which they are started; to be stopped in the opposite one. */
  get #listeners(): readonly Component[] {
    return [this.#http, this.#otlpHttp, this.#otlpGrpc];
  }

  /** What is to be stopped before anything else of the daemon, in this order. */
  get toStop(): readonly Stoppable[] {
    return this.#listeners.toReversed();
  }

  /** The spool's directory must be ours. Throws a `Fault`, and then what was started is still to be stopped. Safe twice. */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    await this.#memoryWatch.start();
    await this.entrance.open();
    await this.directory.start();
    for (const listener of this.#listeners) await listener.start();
    await announceAddress(this.#options.configuration.dataDirectory, this.addresses.api);
  }

  /** What is to be stopped when nobody loads from the spool any more, and before its directory is let go of. */
  get toStopLast(): readonly Stoppable[] {
    return [{ name: 'spool', stop: () => this.entrance.close() }, this.directory, this.#memoryWatch];
  }

  /** Of what is not told by whoever loads what came in. */
  get problems(): readonly string[] {
    return [this.directory.problem ?? [], this.#memoryWatch.problem ?? []].flat();
  }

  get isWaiting(): boolean {
    return this.#waitsBecause !== null;
  }

  /** Why there is no store yet. */
  waitsBecause(reason: string): void {
    this.#waitsBecause = reason;
  }

  /** The whole API answers from now on, and the daemon says itself how it is. */
  serve(api: Api, state: () => DaemonState): void {
    this.#http.serve(api);
    this.#state = state;
  }

  async #takeFeedback(feedback: readonly Feedback[]): Promise<void> {
    const answer = await this.entrance.acceptFeedback(feedback);
    if (answer.outcome === 'durable') return;
    // The API checks what it takes, so that all of it can be read.
    if (answer.outcome === 'undecodable') throw new Error(`Feedback could not be read: ${answer.message}`);
    const { message, retryAfterMs } = answer;
    throw new Fault('overloaded', message, { retryAfterMs, hint: 'None of it was taken. Send the same again.' });
  }

  readonly #earlyState = (): DaemonState => ({
    ready: false,
    problems: [this.#words, ...this.problems, ...this.entrance.troubles.problems],
  });

  get #words(): string {
    if (this.#waitsBecause === null) return 'The daemon is starting.';
    return `The store can't be reached yet: ${this.#waitsBecause}`;
  }

  /** The reason names addresses, which not everybody may hear who may push. */
  #notYet(mayRead: boolean): Fault {
    const words = mayRead ? this.#words : "The store can't be reached yet.";
    return new Fault('transient', `${words} Telemetry is taken meanwhile.`, { retryAfterMs: RETRY_AFTER_MS });
  }
}

function createEntrance({ configuration, memory, log }: ReceptionOptions, isThere: () => boolean): Entrance {
  return new Entrance({
    clock: systemClock,
    dataDirectory: configuration.dataDirectory,
    isThere,
    policies: contentPolicies(configuration.content),
    limits: memory.ingest,
    hasDraftingThread: memory.allowsDraftingThread && isWorthAThread(),
    onError: ingestErrors(log),
    onTrouble: (problem) =>
      problem === null ? log.info('telemetry goes its way again, into the spool and the store') : log.warn(problem),
  });
}

/** Tells what goes wrong on telemetry's way. */
export function ingestErrors(log: Log): (error: unknown) => void {
  return (error) => {
    if (isFault(error)) log.error(describeError(error));
    else log.error({ error: stackOf(error) }, 'a bug in the ingest');
  };
}

function authorizeIngest({ keys }: Configuration): AuthorizeIngest {
  return (headers) => {
    const { authorization } = headers;
    const admission = admit('ingest', typeof authorization === 'string' ? authorization : undefined, keys);
    if (admission.allowed) return 'allowed';
    return admission.status === 401 ? 'unauthenticated' : 'forbidden';
  };
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
