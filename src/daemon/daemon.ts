/**
 * The daemon: makes every part, connects them, starts them in the order in which they need each
 * other, and stops them in the opposite one. The only place that knows them all.
 */

import { Alerting } from '../alerting/alerting.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Channel } from '../contract/channel.ts';
import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import type { Queue } from '../contract/queue.ts';
import type { LatestObservation } from '../contract/store.ts';
import { judgeTampered } from '../drift/judge-registry.ts';
import { isOfSource } from '../drift/target-of-source.ts';
import type { Api } from '../http/api.ts';
import { IncidentDesk } from '../incidents/incident-desk.ts';
import type { Finding } from '../incidents/lifecycle.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import { systemClock } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import type { MetricsReader } from '../observability/metrics.ts';
import { PollingHost } from '../polling/host.ts';
import { createQueue } from '../queue/index.ts';
import type { Database } from '../store/database.ts';
import type { Store } from '../store/index.ts';
import { readTableSizes } from '../store/table-sizes.ts';
import { noteOutcome, notePutOff } from './alert-log.ts';
import { AuditKeeper } from './audit/audit-keeper.ts';
import { daemonApi } from './api.ts';
import { AttributionDesk } from './attribution/attribution-desk.ts';
import { learnServices } from './attribution/learn-services.ts';
import { expectDeliveries, observeIncidents, observeStoreSize } from './counts.ts';
import { watchClock } from './clock-watch.ts';
import { registryLoader } from './registry/load-registry.ts';
import { openConfiguredSources } from './targets/open-configured-sources.ts';
import { endInTurn, type Stoppable } from './end-in-turn.ts';
import type { MemoryBudget } from './memory/memory-budget.ts';
import { openChannel } from './open-channel.ts';
import { missingFromStore, type OpenedStore } from './start/open-store.ts';
import type { Reception } from './reception.ts';
import { NOT_RECORDED, notePollEvent } from './targets/poll-log.ts';
import { RegistryKeeper } from './registry/registry-keeper.ts';
import { Retention } from './retention.ts';
import { refuseOthers, SourceRegistries } from './registry/source-registries.ts';
import { TargetWatch } from './targets/target-watch.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { watchesOfCalls } from './watches-of-calls.ts';

export interface DaemonOptions {
  readonly configuration: Configuration;
  readonly version: string;
  readonly memory: MemoryBudget;
  readonly log: Log;
  readonly metrics: MetricsReader;
  readonly print: (text: string) => void;
  readonly colour: boolean;
  /** How a person calls the command line, for alerts. */
  readonly command: string;
}

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #reception: Reception;
  readonly #database: Database;
  readonly #store: Store;
  readonly #queue: Queue;
  readonly #aborting = new AbortController();
  /** In the order in which they need each other. */
  readonly #parts: readonly Component[];
  #ready = false;
  #missingFromStore: readonly string[] = [];
  readonly #troubles: TroubleLog;

  readonly #attribution: AttributionDesk;
  readonly #registry: RegistryKeeper;
  readonly #sourceRegistries: SourceRegistries;
  readonly #watch: TargetWatch;
  readonly #incidents: IncidentDesk;
  readonly #polling: PollingHost;
  readonly #telemetry: Telemetry;
  readonly #watchesOfCalls: readonly Component[];
  readonly #alerting: Alerting;
  readonly #retention: Retention;
  readonly #audit: AuditKeeper;

  /** Makes every part. Throws a `Fault` for a configuration that can't be carried out. */
  constructor(options: DaemonOptions, reception: Reception, { database, store, trail, latest }: OpenedStore) {
    const { configuration, log } = options;
    this.#options = options;
    this.#reception = reception;
    this.#troubles = new TroubleLog(log);
    this.#database = database;
    this.#store = store;
    this.#queue = createQueue({ clock: systemClock, redis: configuration.redisUrl ?? undefined, log });
    const view = (): RegistryKeeper['view'] => this.#registry.view;
    const onFindings = async (findings: readonly Finding[]): Promise<void> => {
      await this.#incidents.take(findings);
    };

    this.#audit = new AuditKeeper({ database, trail, audit: store.audit, configuration, clock: systemClock, log });
    this.#attribution = new AttributionDesk(view);
    this.#alerting = this.#makeAlerting();
    this.#telemetry = createTelemetry({
      configuration,
      entrance: reception.entrance,
      database,
      texts: store.texts,
      clock: systemClock,
      horizon: store.horizon,
      log,
      attribution: this.#attribution,
      registry: view,
    });
    this.#incidents = new IncidentDesk({
      incidents: store.incidents,
      announcer: this.#alerting,
      countAffected: this.#telemetry.countAffected,
      queue: this.#queue,
      clock: systemClock,
      onProblem: (message, error) => log.warn({ error: describeError(error) }, message),
    });
    observeIncidents(this.#incidents);
    this.#watch = new TargetWatch(latest, {
      observations: store.observations,
      verdicts: store.verdicts,
      clock: systemClock,
      registry: view,
      attribute: (query) => this.#attribution.attribute(query),
      near: (query) => this.#attribution.near(query),
      onFindings,
      onUnregistered: (held) => {
        if (this.#attribution.learn(held)) this.#telemetry.attributeAgain();
      },
      onResolved: (held, version) => {
        if (this.#attribution.learnResolved(held, version)) this.#telemetry.attributeAgain();
      },
      judgesAlone: configuration.redisUrl === null,
      doubt: (observation, versions) => this.#sourceRegistries.doubt(observation, versions, this.#registry.view.unread),
    });
    this.#sourceRegistries = this.#makeSourceRegistries(latest);
    this.#polling = this.#makePolling();
    this.#watchesOfCalls = watchesOfCalls({
      store,
      telemetry: this.#telemetry,
      attribution: this.#attribution,
      incidents: this.#incidents,
      queue: this.#queue,
      clock: systemClock,
      log,
      registry: view,
      onFindings,
    });
    this.#retention = new Retention({
      retention: store.retention,
      keepCallsMs: configuration.keepCallsMs,
      clock: systemClock,
      log,
    });
    this.#registry = this.#makeRegistryKeeper();
    this.#sourceRegistries.keepWith(this.#registry);
    refuseOthers(configuration.registrySources, this.#polling.registries());
    this.#parts = this.#inOrder();
  }

  /** Throws the `Fault` of the first part that can't start. All that was made is then still to be stopped. */
  async start(): Promise<void> {
    this.#missingFromStore = await missingFromStore(this.#database);
    for (const words of this.#missingFromStore) this.#options.log.error({}, words);
    for (const part of this.#parts) await part.start();
    observeStoreSize(() => readTableSizes(this.#database), systemClock);
    await this.#retireUnwatched();
    this.#reception.serve(this.#api(), () => ({
      ready: this.#ready,
      problems: this.#ready ? this.#problems() : ['starting or stopping'],
    }));
    await this.#reception.open();
    void learnServices(this.#attribution, this.#telemetry.calls, systemClock, this.#options.log);
    this.#ready = true;
  }

  /** Stops intake first, then flushes, then closes the store. Returns what did not end in its time. Safe twice. */
  stop(): Promise<readonly string[]> {
    return this.#end(this.#reception.toStop, this.#reception.toStopLast);
  }

  /** The same without the reception, which goes on taking telemetry for another daemon. */
  stopBehindReception(): Promise<readonly string[]> {
    return this.#end([], []);
  }

  #end(before: readonly Stoppable[], between: readonly Stoppable[]): Promise<readonly string[]> {
    this.#ready = false;
    this.#aborting.abort(new Error('The daemon stops.'));
    const store = { name: 'the store', stop: () => this.#database.close() };
    return endInTurn([...before, ...this.#parts.toReversed(), ...between, store], this.#options.log);
  }

  #inOrder(): readonly Component[] {
    const queue: Component = {
      name: 'queue',
      start: () => this.#queue.start(),
      // It connects when it is first used, which may be before it is started: what stays connected keeps the process alive.
      stop: (deadlineMs) => this.#queue.stop(deadlineMs),
    };
    return [
      // Stopped last: it tells of the end of all others.
      this.#audit,
      this.#registry,
      this.#alerting,
      this.#incidents,
      ...this.#telemetry.processing,
      this.#retention,
      ...this.#watchesOfCalls,
      this.#polling,
      this.#sourceRegistries,
      queue,
      watchClock(this.#database, systemClock, this.#options.log, [this.#registry, this.#watch]),
    ];
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
        this.#polling.targets().some((candidate) => candidate.id === target && candidate.canRestore),
      onOutcome: (channel, outcome) => noteOutcome(this.#options.log, this.#troubles, channel, outcome),
      onPutOff: (...what) => notePutOff(this.#troubles, ...what),
    });
  }

  #openChannels(): ReadonlyMap<string, Channel> {
    const { configuration, print, colour } = this.#options;
    expectDeliveries(configuration.channels.map(({ name }) => name));
    return new Map(configuration.channels.map((each) => [each.name, openChannel(each, print, colour)]));
  }

  #makeSourceRegistries(latest: readonly LatestObservation[]): SourceRegistries {
    const { configuration, log } = this.#options;
    const everyMs = new Map(configuration.sources.map((source) => [source.name, source.everyMs]));
    return new SourceRegistries({
      sources: configuration.registrySources.map((name) => ({ name, everyMs: everyMs.get(name) ?? 0 })),
      list: (source, ...question) => this.#polling.versions(source, ...question),
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
      onObservations: (batch, stored) => this.#sourceRegistries.follow(batch, () => this.#watch.take(batch, stored)),
      onEvent: (event) => notePollEvent(log, this.#troubles, event),
      partsBefore: this.#watch.partsBefore(),
    });
  }

  #makeRegistryKeeper(): RegistryKeeper {
    const { configuration, log } = this.#options;
    return new RegistryKeeper({
      load: registryLoader(
        configuration,
        this.#aborting.signal,
        () => systemClock.now(),
        () => this.#sourceRegistries,
      ),
      store: this.#store.registry,
      horizon: this.#store.horizon,
      log,
      stopping: this.#aborting.signal,
      onVersions: (versions) => {
        for (const { version, why } of this.#attribution.register(versions)) {
          log.warn(
            { prompt: version.prompt, version: version.version, why },
            'this version can only be recognised by its hash',
          );
        }
        this.#telemetry.attributeAgain();
      },
      onChanged: (prompts) => this.#watch.judgeAgain(prompts),
      onTampered: (tampered) => {
        const findings = tampered.flatMap((version) =>
          judgeTampered(version, this.#registry.view.snapshot.pins, systemClock.now()).map((judgement) => ({
            judgement,
            owner: this.#registry.view.ownerOf(version.prompt),
          })),
        );
        return this.#incidents.takeTampering(findings);
      },
    });
  }

  /** Of all that must not stop the daemon from taking work. */
  #problems(): readonly string[] {
    // One poll that fails is no trouble: from the second on the source is left alone for longer.
    const notRecorded = this.#troubles.reason(NOT_RECORDED);
    const silent = this.#polling.statuses().filter(({ failuresInARow }) => failuresInARow > 1);
    return [
      ...this.#missingFromStore,
      ...this.#reception.problems,
      ...this.#telemetry.problems(),
      ...[
        this.#registry.problem ?? [],
        this.#queue.problem ?? [],
        this.#retention.problem ?? [],
        this.#audit.problem ?? [],
      ].flat(),
      ...(notRecorded === null ? [] : [`What sources hold can't be recorded: ${notRecorded}`]),
      ...this.#alerting.problems(),
      ...silent.map(({ name }) => `The source ${name} gives no answer.`),
    ];
  }

  #api(): Api {
    const { configuration, log, command } = this.#options;
    return daemonApi({
      command,
      store: this.#store,
      telemetry: this.#telemetry,
      registry: () => this.#registry.view,
      attribution: this.#attribution,
      incidents: this.#incidents,
      polling: this.#polling,
      watch: this.#watch,
      log,
      health: this.#reception.health,
      feedback: this.#reception.feedback,
      clock: systemClock,
      everyMsOf: (source) => configuration.sources.find((candidate) => candidate.name === source)?.everyMs ?? 0,
    });
  }

  /** Incidents of targets that are no longer configured, or stand for another environment, would stay open for ever. */
  async #retireUnwatched(): Promise<void> {
    const now = new Map(this.#polling.targets().map((target) => [target.id, target]));
    await this.#incidents.retire(({ target, prompt, environment }) => {
      return (
        !isOfSource(target) || (now.get(target)?.prompt === prompt && now.get(target)?.environment === environment)
      );
    });
  }
}
