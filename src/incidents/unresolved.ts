/**
 * Which incidents are not resolved, held in memory so that a good verdict, which is nearly all of
 * them, costs no query. It may be a second behind what other replicas wrote; whoever is about to
 * write reads the log again.
 */

import type { Incident } from '../contract/incident.ts';
import type { IncidentLog } from '../contract/store.ts';
import type { Clock } from '../contract/time.ts';

const PAGE_SIZE = 500;
/** More unresolved incidents than this are looked up one by one. */
const HELD_MAX = 10_000;
const FRESH_FOR_MS = 1_000;

export class UnresolvedIncidents {
  readonly #log: Pick<IncidentLog, 'list'>;
  readonly #clock: Clock;
  #byFingerprint = new Map<string, Incident>();
  #complete = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;
  /** Our writes since the read began: its pages may have missed them. */
  #noted: Incident[] = [];

  constructor(log: Pick<IncidentLog, 'list'>, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The unresolved incident with this fingerprint; null when there is certainly none; `unknown` when there are too many to hold. */
  async find(fingerprint: string): Promise<Incident | null | 'unknown'> {
    await this.#refresh();
    return this.#byFingerprint.get(fingerprint) ?? (this.#complete ? null : 'unknown');
  }

  async all(): Promise<readonly Incident[]> {
    await this.#refresh();
    return [...this.#byFingerprint.values()];
  }

  /** Our own write is known at once. */
  note(incident: Incident): void {
    if (this.#reading !== null) this.#noted.push(incident);
    put(this.#byFingerprint, incident);
  }

  async #refresh(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#readAtMs < FRESH_FOR_MS) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    this.#noted = [];
    const found = new Map<string, Incident>();
    let cursor: string | null = null;
    do {
      const page = await this.#log.list({ status: 'unresolved' }, { limit: PAGE_SIZE, cursor: cursor ?? undefined });
      for (const incident of page.items) found.set(incident.fingerprint, incident);
      cursor = page.nextCursor;
    } while (cursor !== null && found.size < HELD_MAX);
    for (const incident of this.#noted) put(found, incident);
    this.#byFingerprint = found;
    this.#complete = cursor === null;
    this.#readAtMs = startedMs;
  }
}

function put(map: Map<string, Incident>, incident: Incident): void {
  const known = map.get(incident.fingerprint);
  if (known !== undefined && known.id === incident.id && known.revision > incident.revision) return;
  if (incident.status === 'resolved') map.delete(incident.fingerprint);
  else map.set(incident.fingerprint, incident);
}
