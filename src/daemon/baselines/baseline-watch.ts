/**
 * Looks, after each hour, whether calls show what the registry declares of them, and hands on what is found. How it is
 * found out is `src/statistics/declared-baseline.ts`; here is when, of what, and what becomes of it.
 */

import type {
  BaselineLog,
  BaselineSeries,
  BaselineStatus,
  DeclaredMetric,
  SeriesOfMeans,
} from '../../contract/baseline-log.ts';
import type { Incident } from '../../contract/incident.ts';
import type { InvocationLog } from '../../contract/invocation-log.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { IncidentLog } from '../../contract/store.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { isBaselineTarget } from '../../drift/baseline-target.ts';
import { judgeBaseline } from '../../drift/judge-baseline.ts';
import { fingerprintOf } from '../../incidents/fingerprint.ts';
import { NO_LONGER_WATCHED, type Finding } from '../../incidents/lifecycle.ts';
import { Slices } from '../../lib/slices.ts';
import { addMillis, DAY_MS, HOUR_MS } from '../../lib/time.ts';
import { acceptBaseline, followBaseline } from '../../statistics/declared-baseline.ts';
import type { Log } from '../../observability/log.ts';
import { COST_OF_CALL, isMeasured } from '../../text/declared-metric.ts';
import { acceptedAt } from '../accepted-as-normal.ts';
import { endOfEndedHours } from '../ended-hours.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import type { ScheduledLook } from '../scheduled-look.ts';
import { withCallsAround } from './calls-around.ts';

export interface BaselineWatchOptions {
  readonly baselines: BaselineLog;
  readonly calls: Pick<InvocationLog, 'means' | 'usage'>;
  readonly incidents: Pick<IncidentLog, 'newestWithFingerprint'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => RegistryView;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
  /** Closes incidents about what nobody can find out any more. */
  readonly retire: (isWatched: (incident: Incident) => boolean) => Promise<void>;
}

/** Who is angry says so at once, and who is content later: until then scores are not those of all calls. */
const JUDGED_WITHIN_MS = 6 * HOUR_MS;
const LOOK_BACK_MS = 14 * DAY_MS;
/** Of costs, and of scores. Two weeks of each take some ten kilobytes while they are judged. */
const SERIES_MAX = 2_000;

export class BaselineWatch implements ScheduledLook {
  readonly name = 'baseline-watch';
  readonly job = 'judge-baselines';
  /** More often than there is an hour: what failed is tried again soon, and what is declared anew is judged soon. */
  readonly everyMs = 600_000;
  readonly #options: BaselineWatchOptions;
  /** The hour and the declarations of the last look; a start looks in any case. */
  #looked: string | null = null;
  #wasCut = false;

  constructor(options: BaselineWatchOptions) {
    this.#options = options;
  }

  /** Judges all that is declared, unless nothing is new: no hour has ended, and nothing else is declared. */
  async look(signal: AbortSignal): Promise<void> {
    const { calls, clock, baselines, onFindings } = this.#options;
    // What comes later is counted by the next look.
    const until = endOfEndedHours(clock.now());
    const versions = this.#options.registry().snapshot.versions;
    const declared = declaredOf(versions);
    const look = JSON.stringify([until, declared]);
    if (look === this.#looked) return;
    const period = { from: addMillis(until, -LOOK_BACK_MS), to: until };
    const means = await calls.means({ ...period, of: declared, seriesMax: SERIES_MAX });
    this.#tellWhereCut(means);
    signal.throwIfAborted();
    const statuses = await this.#follow(means, declared, until, signal);
    await baselines.keepStatuses(statuses);
    const findings = statuses.flatMap((status) => this.#finding(status) ?? []);
    await onFindings(findings);
    await this.#retireOthers(findings);
    this.#looked = look;
  }

  async #follow(
    means: readonly SeriesOfMeans[],
    declared: readonly DeclaredMetric[],
    until: Timestamp,
    signal: AbortSignal,
  ): Promise<readonly BaselineStatus[]> {
    const { baselines, calls, clock } = this.#options;
    const known = new Map((await baselines.statuses()).map((status) => [keyOf(status.series), status]));
    const values = new Map(declared.map((of) => [keyOfDeclared(of), of.declared]));
    const slices = new Slices(clock);
    const statuses: BaselineStatus[] = [];
    for (const { series, hours } of means) {
      if (slices.isOver) await slices.next();
      signal.throwIfAborted();
      const value = values.get(keyOfDeclared(series));
      if (value === undefined) continue;
      const before = await this.#withAcceptance(known.get(keyOf(series)) ?? null);
      const end = series.metric === COST_OF_CALL ? until : addMillis(until, -JUDGED_WITHIN_MS);
      const status = followBaseline(before, {
        series,
        declared: value,
        at: clock.now(),
        hours: hours.filter(({ hour }) => hour < end),
        from: addMillis(until, -LOOK_BACK_MS),
        until: end,
      });
      const { change } = status;
      const isNews = change !== null && change.noticedAt !== before?.change?.noticedAt;
      statuses.push(isNews ? { ...status, change: await withCallsAround(calls, series, change, end) } : status);
    }
    return statuses;
  }

  /** While calls are off, nobody but a person resolves the incident, or whoever stopped to watch them. */
  async #withAcceptance(status: BaselineStatus | null): Promise<BaselineStatus | null> {
    if (status?.state !== 'off' || status.change === null) return status;
    const finding = this.#finding(status);
    if (finding === null) return status;
    const at = await acceptedAt(this.#options.incidents, fingerprintOf(finding.judgement), {
      noticedAt: status.change.noticedAt,
      retiredAs: NO_LONGER_WATCHED,
    });
    return at === null ? status : acceptBaseline(status, at);
  }

  /** Null: the version is not registered any more. */
  #finding(status: BaselineStatus): Finding | null {
    const version = this.#options.registry().version(status.series.prompt, status.series.version);
    return version === null ? null : { judgement: judgeBaseline(status, version), owner: version.owner };
  }

  #tellWhereCut(means: readonly SeriesOfMeans[]): void {
    const costs = means.filter(({ series }) => series.metric === COST_OF_CALL).length;
    if (this.#wasCut || Math.max(costs, means.length - costs) < SERIES_MAX) return;
    this.#wasCut = true;
    const message =
      'the registry declares metrics of more versions with calls than are compared; those with the fewest calls are left out';
    this.#options.log.warn({ seriesMax: SERIES_MAX }, message);
  }

  /** Of a version that is registered nothing is declared any more, or it is not called any more. */
  async #retireOthers(findings: readonly Finding[]): Promise<void> {
    const registry = this.#options.registry();
    const judged = new Set(findings.map(({ judgement }) => fingerprintOf(judgement)));
    await this.#options.retire(({ target, fingerprint, prompt, expected }) => {
      if (!isBaselineTarget(target) || judged.has(fingerprint)) return true;
      return expected === null || registry.version(prompt, expected.version) === null;
    });
  }
}

function declaredOf(versions: readonly RegisteredVersion[]): readonly DeclaredMetric[] {
  return versions.flatMap(({ prompt, version, metrics }) =>
    Object.entries(metrics).flatMap(([metric, declared]) =>
      isMeasured(metric) ? { prompt, version, metric, declared } : [],
    ),
  );
}

function keyOf({ environment, prompt, version, metric }: BaselineSeries): string {
  return JSON.stringify([environment, prompt, version, metric]);
}

function keyOfDeclared({ prompt, version, metric }: Pick<DeclaredMetric, 'prompt' | 'version' | 'metric'>): string {
  return JSON.stringify([prompt, version, metric]);
}
