/**
 * The way of telemetry from the spool to settled invocations, as one component: puts its parts together
 * and starts and stops them in order. How it comes into the spool is in `entrance.ts`.
 */

import type { Component } from '../contract/component.ts';
import type { PriceCall } from '../contract/invocation-log.ts';
import type { AcceptTelemetry } from '../contract/telemetry.ts';
import type { Period, TelemetryLog } from '../contract/telemetry-log.ts';
import type { Clock } from '../contract/time.ts';
import { settleInSteps } from '../invocations/settle.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import type { Entrance, Spooled } from './entrance.ts';
import { Loader } from './loading/loader.ts';
import { PatientWriter } from './loading/patient-writer.ts';
import { observe } from './metrics.ts';
import { Quarantine } from './quarantine.ts';
import type { AttributeCall } from './settling/attribution.ts';
import { FactRecall } from './settling/fact-recall.ts';
import { ListReadings } from './settling/list-readings.ts';
import { RepricedPeriods } from './settling/repriced-periods.ts';
import { Revisions } from './settling/revisions.ts';
import { SeenTraces } from './settling/seen-traces.ts';
import { Settler } from './settling/settler.ts';
import { Sightings, type SightingsOptions } from './settling/sightings.ts';
import { TraceWindow } from './settling/trace-window.ts';

export interface IngestOptions {
  /** What comes in there is loaded and settled. It may be open before, and is closed by whoever made it. */
  readonly entrance: Entrance;
  readonly log: TelemetryLog;
  readonly clock: Clock;
  /** Where it is announced that calls are being written. */
  readonly horizon: KnowledgeHorizon;
  /** Synchronous and fast; see `settling/attribution.ts`. */
  readonly attribute: AttributeCall;
  readonly price: PriceCall;
  /** A bug, or a `Fault`: damage that a person should hear about. */
  readonly onError: (error: unknown) => void;
  /** Whether other replicas write to the same store. */
  readonly isShared?: boolean;
}

// With less waiting the store is not short of time: it answers late, and would whoever waits for it.
const LITTLE_BYTES = 1024 * 1024;
// Of what has waited for others: a usual insert takes half of it.
const LOADED_WITHIN_MS = 300;

export class Ingest implements Component {
  readonly name = 'ingest';
  readonly #options: IngestOptions;
  #parts: Parts | null = null;
  readonly #repriced = new RepricedPeriods();
  /** Of which the other replicas have heard from here. */
  readonly #toldRepriced = new RepricedPeriods();

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** See `Entrance`. */
  get accept(): AcceptTelemetry {
    return this.#options.entrance.accept;
  }

  get quarantine(): Quarantine {
    const { log, clock, horizon } = this.#options;
    return new Quarantine({ log, clock, horizon, resettle: (traceIds) => this.resettle(traceIds) });
  }

  get waitingBytes(): number {
    return this.#options.entrance.waitingBytes;
  }

  /** What is wrong with the store or the spool now, as seen from here. */
  get problems(): readonly string[] {
    return this.#options.entrance.troubles.problems;
  }

  /** To be waited for before stored calls are priced anew: what they cost before is not written again, by any replica. */
  async repricing(period: Period): Promise<void> {
    this.#repriced.add(period);
    // A long one is asked for in portions, and again where somebody gave up waiting: by then all must have heard.
    if (this.#toldRepriced.hasAllOf(period)) return;
    await this.#parts?.sightings?.tellRepricing(period);
    this.#toldRepriced.add(period);
  }

  /** Settles these traces again from what is stored of them, which attributes and prices their calls anew. */
  resettle(traceIds: readonly string[]): void {
    this.#parts?.settler.resettle(traceIds);
  }

  /** The store must be open and migrated. What an earlier process left in the spool is loaded in the background. */
  async start(): Promise<void> {
    const parts = assemble(this.#options, await this.#options.entrance.open(), this.#repriced);
    // Before: what fails half way has parts that run.
    this.#parts = parts;
    await parts.settler.start();
    await parts.sightings?.start();
    await parts.loader.start();
  }

  async stop(deadlineMs: number): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    if (parts === null) return;
    const deadline = Date.now() + deadlineMs;
    const left = (): number => Math.max(0, deadline - Date.now());
    await parts.loader.drain(left());
    await parts.settler.stop(left());
    await parts.sightings?.stop(left());
    await parts.loader.stop(left());
    const { entrance } = this.#options;
    entrance.pacedWhile();
    for (const part of TROUBLED) entrance.troubles.forget(part);
  }
}

/** What tells of troubles. */
const TROUBLED = ['loader', 'settler', 'reading back'] as const;
type Troubled = (typeof TROUBLED)[number];

interface Parts {
  readonly loader: Loader;
  readonly settler: Settler;
  /** Null when nobody else writes to the store. */
  readonly sightings: Sightings | null;
}

function assemble(options: IngestOptions, spooled: Spooled, repriced: RepricedPeriods): Parts {
  const { entrance, log, clock, horizon, onError } = options;
  const { limits, spaces, troubles } = entrance;
  const { recent } = spooled;
  const { traceFactsMax: factsPerTraceMax, traceBytesMax: bytesPerTraceMax } = limits;
  const { storeBackoffMs: backoffMs, storeBackoffMaxMs: backoffMaxMs, storeStalledMs: stalledMs } = limits;
  // Of a call that two of them have parts of, one waits after the other.
  const isShared = options.isShared === true;
  const lingerMs = isShared ? limits.lingerMs / 2 : limits.lingerMs;
  const writerOf = (part: Troubled): PatientWriter =>
    new PatientWriter({ log, clock, onTrouble: troubles.of(part), backoffMs, backoffMaxMs, stalledMs });
  const window = new TraceWindow({
    factsMax: limits.windowFactsMax,
    bytesMax: limits.windowBytesMax,
    factsPerTraceMax,
    bytesPerTraceMax,
    retainMs: limits.retainMs,
  });
  const seen = new SeenTraces(limits.seenTracesMax, clock);
  const { quietMs, provisionalMs } = limits;
  const turns = { quietMs, provisionalMs };
  const revisions = new Revisions();
  const recall = new FactRecall({ log, window, seen, revisions, clock, factsPerTraceMax, bytesPerTraceMax, ...turns });
  const settlerWriter = writerOf('settler');
  const settler = new Settler({
    settle: settleInSteps,
    spaces,
    readings: new ListReadings(),
    attribute: options.attribute,
    price: options.price,
    repriced,
    log,
    writer: settlerWriter,
    window,
    seen,
    recall,
    revisions,
    clock,
    horizon,
    ...turns,
    roundFactsMax: limits.roundFactsMax,
    roundBytesMax: limits.roundBytesMax,
    roundEveryMs: isShared ? 0 : limits.roundEveryMs,
    pauseMs: backoffMs,
    pauseMsMax: backoffMaxMs,
    onTrouble: troubles.of('reading back' satisfies Troubled),
    onError,
  });
  const writer = writerOf('loader');
  const onSighted: SightingsOptions['onSighted'] = (...sighting) => settler.sighted(...sighting);
  const onRepricing = (period: Period): void => repriced.add(period);
  const sightings = isShared
    ? new Sightings({ log, writer, clock, onSighted, onRepricing, lookMs: limits.sightingsMs, onError })
    : null;
  const loader = new Loader({
    ...spooled,
    writer,
    ...(sightings !== null && { onStored: (facts, signal) => sightings.tell(facts, signal) }),
    settle: (facts, from, signal) => settler.add(facts, from, signal),
    heardUpTo: (receivedMs) => settler.heardUpTo(receivedMs),
    settledUpTo: () => settler.settledUpTo(),
    onError,
    clock,
    batchBytesMax: limits.batchBytesMax,
    lingerMs,
  });
  entrance.pacedWhile(() => {
    if (writer.isTroubled || settlerWriter.isTroubled) return false;
    if (recent.bytes > limits.pacedBytes || settler.lateMs > limits.pacedLagMs) return true;
    return recent.bytes > LITTLE_BYTES && recent.waitingMs > lingerMs + LOADED_WITHIN_MS;
  });
  observe('window_facts', 'Facts held in memory to be settled.', '1', () => window.facts);
  return { loader, settler, sightings };
}
