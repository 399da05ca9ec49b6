/** What is told already of outputs, as it was at the beginning of a look: one question for all of them. */

import type { Incident } from '../../contract/incident.ts';
import type { OutputLog, OutputOf, OutputSeries, OutputStatus, SeriesExtent } from '../../contract/output-log.ts';
import type { IncidentLog } from '../../contract/store.ts';
import type { Clock } from '../../contract/time.ts';
import { judgeOutputs, placeOfOutputs, type OutputExamples } from '../../drift/judge-outputs.ts';
import { isOutputsTarget } from '../../drift/outputs-target.ts';
import { fingerprintOf } from '../../incidents/fingerprint.ts';
import type { LastCallOf } from '../../incidents/incident-desk.ts';
import { NO_LONGER_CALLED, type Finding } from '../../incidents/lifecycle.ts';
import { UnresolvedIncidents } from '../../incidents/unresolved.ts';
import { addMillis, HOUR_MS } from '../../lib/time.ts';
import { acceptedAt } from '../accepted-as-normal.ts';
import type { RegistryView } from '../registry/registry-view.ts';

export interface OutputIncidentsOptions {
  readonly outputs: Pick<OutputLog, 'texts'>;
  readonly incidents: Pick<IncidentLog, 'newestWithFingerprint' | 'list'>;
  readonly clock: Clock;
  readonly registry: () => RegistryView;
  /** Closes incidents about what is not called any more. */
  readonly retireUncalled: (lastCallOf: LastCallOf) => Promise<void>;
}

export class OutputIncidents {
  readonly #options: OutputIncidentsOptions;
  #open: ReadonlyMap<string, Incident> = new Map();

  constructor(options: OutputIncidentsOptions) {
    this.#options = options;
  }

  async read(): Promise<void> {
    const { incidents, clock } = this.#options;
    const unresolved = await new UnresolvedIncidents(incidents, clock).all();
    const ofOutputs = unresolved.filter(({ target }) => isOutputsTarget(target));
    this.#open = new Map(ofOutputs.map((incident) => [incident.fingerprint, incident]));
  }

  /** Of one that changed: an incident says so, and nobody has to decide about it before more is answered. */
  isTold(series: OutputSeries): boolean {
    const incident = this.#open.get(fingerprintOfSeries(series));
    return incident !== undefined && incident.status !== 'snoozed';
  }

  /** Whether a person closed it. While outputs are as they changed, nothing else does, unless nobody asks for them. */
  async isAccepted({ series, change }: OutputStatus): Promise<boolean> {
    const fingerprint = fingerprintOfSeries(series);
    if (change === null || this.#open.has(fingerprint)) return false;
    const { noticedAt } = change;
    const at = await acceptedAt(this.#options.incidents, fingerprint, { noticedAt, retiredAs: NO_LONGER_CALLED });
    return at !== null;
  }

  async finding(status: OutputStatus): Promise<Finding> {
    const { series, change } = status;
    const registry = this.#options.registry();
    const version = registry.version(series.prompt, series.version);
    const owner = version?.owner ?? registry.ownerOf(series.prompt);
    if (change === null) return { judgement: judgeOutputs(status, version), owner };
    const told = this.#open.get(fingerprintOfSeries(series));
    if (told?.changedBetween[1] === change.between[1])
      return { judgement: { ...judgeOutputs(status, version), diff: told.diff }, owner };
    const examples = await this.#examples(change.examplesBefore, change.examplesSince);
    return { judgement: judgeOutputs(status, version, examples), owner };
  }

  /** Those about other series than these that are `called`; `extents`: of all that there are answers of. */
  async retireOthers(called: readonly SeriesExtent[], extents: readonly SeriesExtent[]): Promise<void> {
    if (this.#open.size === 0) return;
    const fingerprints = new Set(called.map(({ series }) => fingerprintOfSeries(series)));
    if ([...this.#open.keys()].every((fingerprint) => fingerprints.has(fingerprint))) return;
    const lastHours = new Map(extents.map(({ series, lastHour }) => [fingerprintOfSeries(series), lastHour]));
    await this.#options.retireUncalled(({ target, fingerprint }) => {
      if (!isOutputsTarget(target) || fingerprints.has(fingerprint)) return undefined;
      const hour = lastHours.get(fingerprint);
      return hour === undefined ? [null, null] : [hour, addMillis(hour, HOUR_MS)];
    });
  }

  async #examples(before: readonly OutputOf[], since: readonly OutputOf[]): Promise<OutputExamples> {
    const texts = await this.#options.outputs.texts([...before, ...since]);
    const known = new Map(texts.map(({ traceId, spanId, text }) => [`${traceId}/${spanId}`, text]));
    const textsOf = (some: readonly OutputOf[]): readonly string[] =>
      some.flatMap(({ traceId, spanId }) => known.get(`${traceId}/${spanId}`) ?? []);
    return { before: textsOf(before), since: textsOf(since) };
  }
}

function fingerprintOfSeries(series: OutputSeries): string {
  return fingerprintOf(placeOfOutputs(series));
}
