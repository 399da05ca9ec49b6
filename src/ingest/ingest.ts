/**
 * The whole way of telemetry from a request's bytes to settled invocations, as one component: puts
 * its parts together and starts and stops them in order. Transports are in `collectors/otlp/`.
 */

import { join } from 'node:path';
import type { Component } from '../contract/component.ts';
import type { PriceCall } from '../contract/invocation-log.ts';
import type { AcceptTelemetry } from '../contract/telemetry.ts';
import type { Period, TelemetryLog } from '../contract/telemetry-log.ts';
import type { Clock } from '../contract/time.ts';
import { settleInSteps } from '../invocations/settle.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '../otlp/limits.ts';
import { ContentSpaces } from './content/content-space.ts';
import type { ContentPolicies } from './content/policy.ts';
import { DEFAULT_TEXT_LIMITS, type TextLimits } from './content/texts.ts';
import { Intake } from './intake.ts';
import { BATCH_BYTES_MAX, Loader } from './loading/loader.ts';
import { Pace } from './loading/pace.ts';
import { PatientWriter } from './loading/patient-writer.ts';
import { RecentRecords } from './loading/recent-records.ts';
import { observe } from './metrics.ts';
import { Quarantine } from './quarantine.ts';
import type { AttributeCall } from './settling/attribution.ts';
import { FactRecall } from './settling/fact-recall.ts';
import { ListReadings } from './settling/list-readings.ts';
import { RepricedPeriods } from './settling/repriced-periods.ts';
import { SeenTraces } from './settling/seen-traces.ts';
import { Settler } from './settling/settler.ts';
import { Sightings, type SightingsOptions } from './settling/sightings.ts';
import { TraceWindow } from './settling/trace-window.ts';
import { Spool } from './spool/spool.ts';
import { Troubles, type OnTrouble } from './troubles.ts';

export interface IngestOptions {
  readonly log: TelemetryLog;
  readonly clock: Clock;
  /** Where it is announced that calls are being written. */
  readonly horizon: KnowledgeHorizon;
  /** The spool lives in its folder `spool`. Must not be shared with another process. */
  readonly dataDirectory: string;
  readonly policies: ContentPolicies;
  /** Synchronous and fast; see `settling/attribution.ts`. */
  readonly attribute: AttributeCall;
  readonly price: PriceCall;
  /** A bug, or a `Fault`: damage that a person should hear about. */
  readonly onError: (error: unknown) => void;
  /** Called when the store begins to fail, as seen from here, and when it works again. */
  readonly onTrouble?: OnTrouble;
  /** Whether other replicas write to the same store. */
  readonly isShared?: boolean;
  readonly limits?: Partial<IngestLimits>;
}

export interface IngestLimits {
  readonly decode: DecodeLimits;
  readonly texts: TextLimits;
  readonly spoolBytesMax: number;
  readonly spoolSegmentBytesMax: number;
  /** Of the disk, for the store's writes that are under way. */
  readonly spoolKeepFreeBytes: number;
  /** What a sender is told when the spool is full. */
  readonly retryAfterMs: number;
  /** Spooled rows held in memory until they are in the store; beyond it they are read from the spool. */
  readonly recentBytesMax: number;
  /**
   * While more than so many of them wait to be loaded by a store that works, or loading or settling is so far behind,
   * requests wait, so long at most.
   */
  readonly pacedBytes: number;
  readonly pacedLagMs: number;
  readonly pacedMsMax: number;
  /** Facts held in memory to be settled, and bytes of their lines; beside those a fact takes about 1 KB. */
  readonly windowFactsMax: number;
  readonly windowBytesMax: number;
  /** Facts of one trace that are settled together, and bytes; what comes beyond is settled apart. */
  readonly traceFactsMax: number;
  readonly traceBytesMax: number;
  readonly retainMs: number;
  /** How long a small batch waits for more before it is loaded. */
  readonly lingerMs: number;
  /** A trace of which nothing came for so long is settled; one of which something comes, after the second. */
  readonly quietMs: number;
  readonly provisionalMs: number;
  /** First wait after the store failed; it doubles up to the next. */
  readonly storeBackoffMs: number;
  readonly storeBackoffMaxMs: number;
  /** An insert that takes longer is said to be trouble. */
  readonly storeStalledMs: number;
  /** Traces, and as many keys that traces share, that are remembered as possibly stored; two bytes each. */
  readonly seenTracesMax: number;
  /** How often is looked for what other replicas tell. */
  readonly sightingsMs: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  decode: DEFAULT_DECODE_LIMITS,
  texts: DEFAULT_TEXT_LIMITS,
  spoolBytesMax: 4 * 1024 * 1024 * 1024,
  spoolSegmentBytesMax: 32 * 1024 * 1024,
  // Half of what the embedded store keeps free: it is the first to stop.
  spoolKeepFreeBytes: 128 * 1024 * 1024,
  retryAfterMs: 5_000,
  recentBytesMax: 96 * 1024 * 1024,
  pacedBytes: 20 * 1024 * 1024,
  pacedLagMs: 800,
  pacedMsMax: 500,
  windowFactsMax: 60_000,
  windowBytesMax: 160 * 1024 * 1024,
  traceFactsMax: 20_000,
  traceBytesMax: 32 * 1024 * 1024,
  retainMs: 30_000,
  lingerMs: 500,
  quietMs: 1_200,
  provisionalMs: 2_500,
  storeBackoffMs: 250,
  storeBackoffMaxMs: 15_000,
  storeStalledMs: 30_000,
  seenTracesMax: 4_000_000,
  sightingsMs: 400,
};

// With less waiting the store is not short of time: it answers late, and would whoever waits for it.
const LITTLE_BYTES = 1024 * 1024;

export class Ingest implements Component {
  readonly name = 'ingest';
  readonly #options: IngestOptions;
  readonly #limits: IngestLimits;
  #parts: Parts | null = null;
  #leftBytes = 0;
  readonly #repriced = new RepricedPeriods();
  /** Of which the other replicas have heard from here. */
  readonly #toldRepriced = new RepricedPeriods();

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_INGEST_LIMITS, ...options.limits };
  }

  /** Give it to the receivers. Before `start` and after `stop` it tells senders to come back. */
  readonly accept: AcceptTelemetry = async (request) => {
    if (this.#parts === null) {
      const { retryAfterMs } = this.#limits;
      return { outcome: 'overloaded', retryAfterMs, message: 'The daemon is starting or stopping.' };
    }
    return this.#parts.intake.accept(request);
  };

  get quarantine(): Quarantine {
    const { log, clock, horizon } = this.#options;
    return new Quarantine({ log, clock, horizon, resettle: (traceIds) => this.resettle(traceIds) });
  }

  /** Accepted and not settled in the store; after `stop`, what the next start goes on with. */
  get waitingBytes(): number {
    return this.#parts?.spool.usedBytes ?? this.#leftBytes;
  }

  /** What is wrong with the store or the spool now, as seen from here. */
  get problems(): readonly string[] {
    return this.#parts?.troubles.problems ?? [];
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
    const { dataDirectory } = this.#options;
    const spool = await Spool.open({
      directory: join(dataDirectory, 'spool'),
      bytesMax: this.#limits.spoolBytesMax,
      segmentBytesMax: this.#limits.spoolSegmentBytesMax,
      keepFreeBytes: this.#limits.spoolKeepFreeBytes,
      retryAfterMs: this.#limits.retryAfterMs,
    });
    const parts = assemble(this.#options, this.#limits, spool, this.#repriced);
    await parts.settler.start();
    await parts.sightings?.start();
    await parts.loader.start();
    this.#parts = parts;
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
    await parts.spool.close();
    this.#leftBytes = parts.spool.usedBytes;
  }
}

interface Parts {
  readonly spool: Spool;
  readonly intake: Intake;
  readonly loader: Loader;
  readonly settler: Settler;
  /** Null when nobody else writes to the store. */
  readonly sightings: Sightings | null;
  readonly troubles: Troubles;
}

function assemble(options: IngestOptions, limits: IngestLimits, spool: Spool, repriced: RepricedPeriods): Parts {
  const { log, clock, horizon, onError } = options;
  const spaces = new ContentSpaces(options.policies, limits.texts);
  const recent = new RecentRecords(limits.recentBytesMax, BATCH_BYTES_MAX, clock);
  const troubles = new Troubles(options.onTrouble ?? (() => {}));
  const { traceFactsMax: factsPerTraceMax, traceBytesMax: bytesPerTraceMax } = limits;
  const { storeBackoffMs: backoffMs, storeBackoffMaxMs: backoffMaxMs, storeStalledMs: stalledMs } = limits;
  const writerOf = (part: string): PatientWriter =>
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
  const recall = new FactRecall({ log, window, seen, clock, factsPerTraceMax, bytesPerTraceMax, ...turns });
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
    clock,
    horizon,
    ...turns,
    pauseMs: backoffMs,
    pauseMsMax: backoffMaxMs,
    onTrouble: troubles.of('reading back'),
    onError,
  });
  const writer = writerOf('loader');
  const onSighted: SightingsOptions['onSighted'] = (...sighting) => settler.sighted(...sighting);
  const onRepricing = (period: Period): void => repriced.add(period);
  const sightings =
    options.isShared === true
      ? new Sightings({ log, writer, clock, onSighted, onRepricing, lookMs: limits.sightingsMs, onError })
      : null;
  const loader = new Loader({
    spool,
    writer,
    recent,
    ...(sightings !== null && { onStored: (facts, signal) => sightings.tell(facts, signal) }),
    settle: (facts, from, signal) => settler.add(facts, from, signal),
    heardUpTo: (receivedMs) => settler.heardUpTo(receivedMs),
    settledUpTo: () => settler.settledUpTo(),
    onError,
    clock,
    lingerMs: limits.lingerMs,
  });
  const isBehind = (): boolean => {
    if (writer.isTroubled || settlerWriter.isTroubled) return false;
    if (recent.bytes > limits.pacedBytes || settler.lateMs > limits.pacedLagMs) return true;
    return recent.bytes > LITTLE_BYTES && recent.waitingMs > limits.pacedLagMs;
  };
  const pace = new Pace(isBehind, limits.pacedMsMax);
  const intake = new Intake({
    spool,
    recent,
    pace,
    spaces,
    limits: limits.decode,
    clock,
    onTrouble: troubles.of('spool'),
    onError,
  });
  observe('spool_bytes', 'Bytes in the spool.', 'By', () => spool.usedBytes);
  observe('window_facts', 'Facts held in memory to be settled.', '1', () => window.facts);
  return { spool, intake, loader, settler, sightings, troubles };
}
