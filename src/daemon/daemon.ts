/**
 * The daemon: makes every part, connects them, starts them in the order in which they need each
 * other, and stops them in the opposite one. The only place that knows them all.
 */

import { Alerting } from '../alerting/alerting.ts';
import { CHANNEL_PLUGINS } from '../channels/index.ts';
import type { Configuration } from '../config/load.ts';
import type { Channel } from '../contract/channel.ts';
import type { Component } from '../contract/component.ts';
import { describeError, stackOf } from '../contract/fault.ts';
import type { Queue } from '../contract/queue.ts';
import type { LatestObservation } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { judgeTampered } from '../drift/judge-registry.ts';
import { HttpServer } from '../http/server.ts';
import { IncidentDesk } from '../incidents/incident-desk.ts';
import { boundedFetch, DEFAULT_FETCH_LIMITS } from '../lib/http.ts';
import { settlesWithin } from '../lib/limits.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import { addMillis, formatDuration, systemClock } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import type { MetricsReader } from '../observability/metrics.ts';
import { PollingHost } from '../polling/host.ts';
import { createQueue } from '../queue/index.ts';
import { announceAddress } from '../store/data-directory.ts';
import type { Database } from '../store/database.ts';
import { createStore, type Store } from '../store/index.ts';
import { noteOutcome, notePutOff } from './alert-log.ts';
import { daemonApi } from './api.ts';
import { AttributionDesk } from './attribution-desk.ts';
import { bringBack, watchClock } from './clock-watch.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { registryLoader } from './load-registry.ts';
import { openConfiguredSources } from './open-configured-sources.ts';
import { missingFromStore, openStoreAndSpool } from './open-store.ts';
import { NOT_RECORDED, notePollEvent } from './poll-log.ts';
import { RegistryKeeper } from './registry-keeper.ts';
import { refuseOthers, SourceRegistries } from './source-registries.ts';
import { TargetWatch } from './target-watch.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { TrafficWatch } from './traffic-watch.ts';

export interface DaemonOptions {
  readonly configuration: Configuration;
  readonly version: string;
  readonly log: Log;
  readonly metrics: MetricsReader;
  readonly print: (text: string) => void;
  readonly colour: boolean;
  /** How a person calls the command line, for alerts. */
  readonly command: string;
}

/** A component gets this long to flush before the next one is stopped. */
const STOP_DEADLINE_MS = 10_000;
/** One that keeps its deadline to the moment is not late. */
const LATE_MS = 1_000;
const DAY_MS = 86_400_000;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #database: Database;
  readonly #store: Store;
  readonly #queue: Queue;
  readonly #aborting = new AbortController();
  readonly #startedAt: Timestamp = systemClock.now();
  readonly #started: Component[] = [];
  #ready = false;
  #missingFromStore: readonly string[] = [];
  readonly #troubles: TroubleLog;

  readonly attribution: AttributionDesk;
  readonly registry: RegistryKeeper;
  readonly sourceRegistries: SourceRegistries;
  readonly watch: TargetWatch;
  readonly incidents: IncidentDesk;
  readonly polling: PollingHost;
  readonly telemetry: Telemetry;
  readonly directory: DirectoryWatch;
  readonly #trafficWatch: TrafficWatch;
  readonly #alerting: Alerting;
  readonly #http: HttpServer;

  /** Opens the store and makes every part. Throws a `Fault`. */
  static async open(options: DaemonOptions): Promise<Daemon> {
    const database = await openStoreAndSpool(options.configuration, options.version, systemClock);
    try {
      await bringBack(database, systemClock, options.log);
      const store = createStore(database, systemClock);
      // Its latest observations are needed to make the polling host.
      return new Daemon(options, database, store, await store.observations.latest());
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  private constructor(options: DaemonOptions, database: Database, store: Store, latest: readonly LatestObservation[]) {
    const { configuration, log } = options;
    this.#options = options;
    this.#troubles = new TroubleLog(log);
    this.#database = database;
    this.#store = store;
    this.#queue = createQueue({ clock: systemClock, redis: configuration.redisUrl ?? undefined, log });
    const view = (): RegistryKeeper['view'] => this.registry.view;

    this.directory = new DirectoryWatch(configuration.dataDirectory, log);
    this.attribution = new AttributionDesk(view);
    this.#alerting = this.#makeAlerting();
    this.telemetry = createTelemetry({
      configuration,
      database,
      texts: store.texts,
      clock: systemClock,
      horizon: store.horizon,
      log,
      attribution: this.attribution,
      registry: view,
    });
    this.incidents = new IncidentDesk({
      incidents: store.incidents,
      announcer: this.#alerting,
      countAffected: this.telemetry.countAffected,
      queue: this.#queue,
      clock: systemClock,
      onProblem: (message, error) => log.warn({ error: describeError(error) }, message),
    });
    this.watch = new TargetWatch(latest, {
      observations: store.observations,
      verdicts: store.verdicts,
      clock: systemClock,
      registry: view,
      attribute: (query) => this.attribution.attribute(query),
      near: (query) => this.attribution.near(query),
      onFindings: async (findings) => {
        await this.incidents.take(findings);
      },
      onUnregistered: (held) => {
        if (this.attribution.learn(held)) this.telemetry.attributeAgain();
      },
      onResolved: (held, version) => {
        if (this.attribution.learnResolved(held, version)) this.telemetry.attributeAgain();
      },
      judgesAlone: configuration.redisUrl === null,
      doubt: (observation, versions) => this.sourceRegistries.doubt(observation, versions),
    });
    this.sourceRegistries = this.#makeSourceRegistries(latest);
    this.polling = this.#makePolling();
    this.#trafficWatch = new TrafficWatch({
      traffic: this.telemetry.traffic,
      calls: this.telemetry.calls,
      variables: this.telemetry.variables,
      incidents: store.incidents,
      queue: this.#queue,
      clock: systemClock,
      log,
      registry: view,
      attribute: (query) => this.attribution.attribute(query),
      near: (query) => this.attribution.near(query),
      onFindings: async (findings) => {
        await this.incidents.take(findings);
      },
    });
    this.registry = this.#makeRegistryKeeper();
    this.sourceRegistries.keepWith(this.registry);
    refuseOthers(configuration.registrySources, this.polling.registries());
    this.#http = this.#makeHttp();
  }

  get apiAddress(): string {
    return this.#http.address;
  }

  /** Throws the `Fault` of the first part that can't start, after stopping those that had. */
  async start(): Promise<void> {
    const { configuration } = this.#options;
    const queue: Component = {
      name: 'queue',
      start: () => this.#queue.start(),
      stop: (deadlineMs) => this.#queue.stop(deadlineMs),
    };
    const order = [
      this.directory,
      this.registry,
      this.#alerting,
      this.incidents,
      ...this.telemetry.processing,
      this.#trafficWatch,
      this.polling,
      this.sourceRegistries,
      queue,
      watchClock(this.#database, systemClock, this.#options.log, [this.registry, this.watch]),
      this.#http,
      ...this.telemetry.receivers,
    ];
    this.#missingFromStore = await missingFromStore(this.#database);
    for (const words of this.#missingFromStore) this.#options.log.error({}, words);
    try {
      for (const component of order) {
        // Before: one that fails half way may hold something as well.
        this.#started.push(component);
        await component.start();
      }
      await announceAddress(configuration.dataDirectory, this.apiAddress);
      await this.#retireUnwatched();
    } catch (error) {
      await this.stop();
      throw error;
    }
    void this.#learnServices();
    this.#ready = true;
  }

  /** Stops intake first, then flushes, then closes the store. Returns what did not end in its time. Safe twice. */
  async stop(): Promise<readonly string[]> {
    this.#ready = false;
    this.#aborting.abort(new Error('The daemon stops.'));
    const unfinished: string[] = [];
    const end = async (name: string, ending: Promise<void>): Promise<void> => {
      try {
        if (await settlesWithin(ending, STOP_DEADLINE_MS + LATE_MS)) return;
        unfinished.push(name);
        this.#options.log.error({}, `${name} did not stop within ${formatDuration(STOP_DEADLINE_MS)}`);
      } catch (error) {
        this.#options.log.error({ error: describeError(error) }, `${name} did not stop cleanly`);
      }
    };
    for (let component = this.#started.pop(); component !== undefined; component = this.#started.pop()) {
      await end(component.name, component.stop(STOP_DEADLINE_MS));
    }
    // It connects when it is first used, which may be before it is started: what stays connected keeps the process alive.
    await end('queue', this.#queue.stop(STOP_DEADLINE_MS));
    await end('the store', this.#database.close());
    return unfinished;
  }

  #makeAlerting(): Alerting {
    const { configuration, command } = this.#options;
    return new Alerting({
      deliveries: this.#store.deliveries,
      incidents: this.#store.incidents,
      queue: this.#queue,
      clock: systemClock,
      channels: this.#openChannels(),
      routes: configuration.routes,
      stopping: this.#aborting.signal,
      command,
      publicUrl: configuration.server.publicUrl,
      canRestore: (target) =>
        this.polling.targets().some((candidate) => candidate.id === target && candidate.canRestore),
      onOutcome: (channel, outcome) => noteOutcome(this.#options.log, this.#troubles, channel, outcome),
      onPutOff: (...what) => notePutOff(this.#troubles, ...what),
    });
  }

  #openChannels(): ReadonlyMap<string, Channel> {
    const { configuration, print, colour } = this.#options;
    return new Map(
      configuration.channels.map(({ name, type, config }) => {
        const plugin = CHANNEL_PLUGINS.find((candidate) => candidate.type === type);
        if (plugin === undefined) throw new Error(`The configuration let the channel type ${type} through.`);
        const fetch = boundedFetch(DEFAULT_FETCH_LIMITS);
        return [name, plugin.open(config, { name, fetch, print, colour })];
      }),
    );
  }

  #makeSourceRegistries(latest: readonly LatestObservation[]): SourceRegistries {
    const { configuration, log } = this.#options;
    const everyMs = new Map(configuration.sources.map((source) => [source.name, source.everyMs]));
    return new SourceRegistries({
      sources: configuration.registrySources.map((name) => ({ name, everyMs: everyMs.get(name) ?? 0 })),
      list: (source, ...question) => this.polling.versions(source, ...question),
      latest,
      recall: configuration.redisUrl === null ? null : () => this.#store.observations.latest(),
      log,
    });
  }

  #makePolling(): PollingHost {
    const { configuration, log } = this.#options;
    return new PollingHost({
      sources: openConfiguredSources(configuration),
      queue: this.#queue,
      clock: systemClock,
      horizon: this.#store.horizon,
      onObservations: (batch, stored) => this.sourceRegistries.follow(batch, () => this.watch.take(batch, stored)),
      onEvent: (event) => notePollEvent(log, this.#troubles, event),
      partsBefore: this.watch.partsBefore(),
    });
  }

  #makeRegistryKeeper(): RegistryKeeper {
    const { configuration, log } = this.#options;
    return new RegistryKeeper({
      load: registryLoader(
        configuration,
        this.#aborting.signal,
        () => systemClock.now(),
        () => this.sourceRegistries,
      ),
      store: this.#store.registry,
      horizon: this.#store.horizon,
      log,
      stopping: this.#aborting.signal,
      onVersions: (versions) => {
        for (const { version, why } of this.attribution.register(versions)) {
          log.warn(
            { prompt: version.prompt, version: version.version, why },
            'this version can only be recognised by its hash',
          );
        }
        this.telemetry.attributeAgain();
      },
      onChanged: (prompts) => this.watch.judgeAgain(prompts),
      onTampered: (tampered) => {
        const findings = tampered.flatMap((version) =>
          judgeTampered(version, this.registry.view.snapshot.pins, systemClock.now()).map((judgement) => ({
            judgement,
            owner: this.registry.view.ownerOf(version.prompt),
          })),
        );
        return this.incidents.takeTampering(findings);
      },
    });
  }

  /** Of all that must not stop the daemon from taking work. */
  #problems(): readonly string[] {
    // One poll that fails is no trouble: from the second on the source is left alone for longer.
    const notRecorded = this.#troubles.reason(NOT_RECORDED);
    const silent = this.polling.statuses().filter(({ failuresInARow }) => failuresInARow > 1);
    return [
      ...this.#missingFromStore,
      ...[this.directory.problem ?? []].flat(),
      ...this.telemetry.problems(),
      ...[this.registry.problem ?? [], this.#queue.problem ?? []].flat(),
      ...(notRecorded === null ? [] : [`What sources hold can't be recorded: ${notRecorded}`]),
      ...this.#alerting.problems(),
      ...silent.map(({ name }) => `The source ${name} gives no answer.`),
    ];
  }

  #makeHttp(): HttpServer {
    const { configuration, version, log, metrics, command } = this.#options;
    const api = daemonApi({
      command,
      store: this.#store,
      telemetry: this.telemetry,
      registry: () => this.registry.view,
      attribution: this.attribution,
      incidents: this.incidents,
      polling: this.polling,
      watch: this.watch,
      log,
      metrics: () => metrics.text(),
      clock: systemClock,
      status: () => ({
        version,
        startedAt: this.#startedAt,
        ready: this.#ready,
        problems: this.#ready ? this.#problems() : ['starting or stopping'],
      }),
      everyMsOf: (source) => configuration.sources.find((candidate) => candidate.name === source)?.everyMs ?? 0,
    });
    return new HttpServer(api, {
      host: configuration.server.host,
      port: configuration.server.port,
      keys: configuration.keys,
      publicUrl: configuration.server.publicUrl,
      version,
      onBug: (error, where) => log.error({ error: stackOf(error) }, `a bug in ${where}`),
    });
  }

  /** Which prompts services use is told by the calls of the last day. */
  async #learnServices(): Promise<void> {
    const to = systemClock.now();
    try {
      const groupBy = ['environment', 'service', 'prompt'] as const;
      for (const row of await this.telemetry.calls.usage({ groupBy, from: addMillis(to, -DAY_MS), to })) {
        const { environment, service, prompt, calls } = row;
        if (typeof prompt === 'string')
          this.attribution.learnService(String(environment), String(service), prompt, calls);
      }
    } catch (error) {
      this.#options.log.warn({ error: describeError(error) }, 'what services used before the start is not known');
    }
  }

  /** Incidents of targets that are no longer configured, or stand for another environment, would stay open for ever. */
  async #retireUnwatched(): Promise<void> {
    const now = new Map(this.polling.targets().map((target) => [target.id, target]));
    await this.incidents.retire(({ target, prompt, environment }) => {
      // What traffic and registries show has a name that no source has.
      const isElsewhere = target.split('/', 1)[0]?.includes(':') === true;
      return isElsewhere || (now.get(target)?.prompt === prompt && now.get(target)?.environment === environment);
    });
  }
}
