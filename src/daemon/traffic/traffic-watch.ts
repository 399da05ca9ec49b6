/**
 * Looks at recent traffic every half minute, or less often where there is so much of it that a look
 * takes long: are the calls instances of what is pinned? Gathers what `judgeTraffic` needs and hands
 * on what it says; decides only since when calls count, and what is already explained by a target's
 * own incident.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../../contract/attribution.ts';
import type { Incident } from '../../contract/incident.ts';
import type { InvocationLog } from '../../contract/invocation-log.ts';
import type { IncidentLog } from '../../contract/store.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import type { LastChanges, TrafficLog, TrafficRow } from '../../contract/traffic-log.ts';
import type { VariableLog } from '../../contract/variable-log.ts';
import { DRIFT_VERDICTS } from '../../contract/verdict.ts';
import { ownerOf } from '../../drift/expected.ts';
import { CAPTURES_MIN } from '../../drift/hidden-edit.ts';
import { judgeTraffic } from '../../drift/judge-traffic.ts';
import { isOfSource } from '../../drift/target-of-source.ts';
import { serviceOfTraffic, trafficTarget } from '../../drift/traffic-target.ts';
import { TRAFFIC_THRESHOLDS, type TrafficGroup } from '../../drift/traffic-window.ts';
import type { Finding } from '../../incidents/lifecycle.ts';
import type { Steps } from '../../lib/steps.ts';
import { TimeShare } from '../../lib/time-share.ts';
import { addMillis, formatDuration, millisFromTimestamp, MINUTE_MS, timestampFromMillis } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import type { ScheduledLook } from '../scheduled-look.ts';
import { EndedTraffic, type EndedTrafficOptions } from './ended-traffic.ts';
import { SlotWatch, type HiddenEditOfCalls } from './slot-watch.ts';
import { TrafficExamples } from './traffic-examples.ts';
import { groupAlike, groupsOfExamples, natureOf, promptOf, storedGroup } from './traffic-groups.ts';

export interface TrafficWatchOptions extends Pick<EndedTrafficOptions, 'retireUncalled'> {
  readonly traffic: TrafficLog;
  readonly calls: Pick<InvocationLog, 'list'>;
  readonly variables: VariableLog;
  readonly incidents: IncidentLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => RegistryView;
  /** Registered versions only. */
  readonly attribute: (query: AttributionQuery) => Attribution;
  readonly near: (query: AttributionQuery) => Steps<readonly NearMatch[]>;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

/** Calls by the ten million in the window take the store half a minute, which what comes in meanwhile needs as well. */
const TIME_SHARE = 0.1;
const WINDOW_MS = 30 * 60_000;
/** SDKs cache prompts for a minute; what they send right after a change says nothing about now. */
const SETTLE_MS = 90_000;
const GROUPS_MAX = 5_000;
const EXAMPLES_MAX = 16;
const INCIDENTS_PER_PAGE = 1_000;

/** One window: the calls of one service that belong to one prompt. */
interface Bucket {
  readonly environment: string;
  readonly service: string;
  readonly prompt: string;
  readonly groups: TrafficGroup[];
}

export class TrafficWatch implements ScheduledLook {
  readonly name = 'traffic-watch';
  readonly job = 'judge-traffic';
  readonly everyMs = 30_000;
  readonly #options: TrafficWatchOptions;
  readonly #examples: TrafficExamples;
  readonly #slots: SlotWatch;
  readonly #ended: EndedTraffic;
  #hiddenEdits: readonly HiddenEditOfCalls[] = [];
  readonly #share: TimeShare;
  #isSlow = false;
  #wasCut = false;

  constructor(options: TrafficWatchOptions) {
    this.#options = options;
    this.#examples = new TrafficExamples(options);
    this.#slots = new SlotWatch(options);
    this.#ended = new EndedTraffic(options);
    this.#share = new TimeShare(options.clock, TIME_SHARE);
  }

  /** Judges the traffic of the last half hour once, unless that would take more than its share of the time. */
  async look(): Promise<void> {
    await this.#share.run(() => this.#judgeWindow());
    const { tookMs, everyMs } = this.#share.pace;
    const isSlow = everyMs > this.everyMs;
    if (isSlow && !this.#isSlow)
      this.#options.log.info(
        { took: formatDuration(tookMs), every: formatDuration(everyMs) },
        'there is so much traffic that it is judged less often',
      );
    this.#isSlow = isSlow;
  }

  async #judgeWindow(): Promise<void> {
    const until = this.#options.clock.now();
    const from = addMillis(until, -WINDOW_MS);
    this.#examples.begin();
    const unresolved = await this.#unresolved();
    this.#hiddenEdits = await this.#slots.look(until, ({ environment, service, prompt }) => {
      const target = trafficTarget(service, prompt);
      const told = unresolved.find((one) => one.target === target && one.environment === environment);
      return told?.evidence ?? [];
    });
    const buckets = await this.#buckets(from, until);
    const judged = [...buckets.values()].flatMap((bucket) => this.#judge(bucket, from, until));
    const drifted = judged.filter(isDrift);
    const calm = judged.filter((finding) => !isDrift(finding));
    const certain = await this.#withoutOldCalls(drifted, buckets, from, until);
    const told = withoutExplained(certain, unresolved);
    await this.#options.onFindings([...calm, ...told]);
    await this.#ended.look(unresolved, until);
  }

  /** `since`: what was sent earlier says nothing about now. */
  #judge(
    { prompt, environment, service, groups }: Bucket,
    from: Timestamp,
    until: Timestamp,
    since: Timestamp | null = null,
  ): readonly Finding[] {
    const expected = this.#options.registry().expected(prompt, environment);
    if (expected.versions.length === 0) return [];
    const hiddenEdits = this.#hiddenEdits.filter(
      (edit) =>
        edit.environment === environment &&
        edit.service === service &&
        edit.prompt === prompt &&
        edit.seenAt.filter((at) => since === null || at >= since).length >= CAPTURES_MIN,
    );
    const judgement = judgeTraffic(expected, { service, from, until, groups, hiddenEdits });
    return [{ judgement, owner: ownerOf(expected) }];
  }

  /**
   * What was sent before the last change of a target, or of the pin, was right or wrong about another
   * state: where something changed within the window, only calls since then are judged.
   */
  async #withoutOldCalls(
    drifted: readonly Finding[],
    buckets: ReadonlyMap<string, Bucket>,
    from: Timestamp,
    until: Timestamp,
  ): Promise<readonly Finding[]> {
    const prompts = drifted.map(({ judgement }) => judgement.prompt);
    // A change before the window may still be settling when it begins.
    const since = addMillis(from, -TRAFFIC_THRESHOLDS.graceMs);
    const changes = await this.#options.traffic.lastChanges(prompts, since);
    const kept: Finding[] = [];
    const again = new Map<Timestamp, Set<string>>();
    for (const finding of drifted) {
      const key = bucketKeyOf(finding);
      const start = this.#countsFrom(finding, changes, from);
      if (start === from || !buckets.has(key)) kept.push(finding);
      else again.set(start, (again.get(start) ?? new Set()).add(key));
    }
    // As many as there are minutes in the window.
    for (const [start, keys] of again) {
      if (start >= until) continue;
      const recent = await this.#buckets(start, until, keys);
      for (const bucket of recent.values()) kept.push(...this.#judge(bucket, start, until, start));
    }
    return kept;
  }

  /** Rounded up to the minute, so that few windows have to be read. */
  #countsFrom({ judgement }: Finding, changes: readonly LastChanges[], from: Timestamp): Timestamp {
    const { prompt, environment } = judgement;
    const change = changes.find((one) => one.prompt === prompt && one.environment === environment);
    const { pin } = this.#options.registry().expected(prompt, environment);
    const starts = [
      settled(change?.held, SETTLE_MS),
      settled(change?.pinned, TRAFFIC_THRESHOLDS.graceMs),
      settled(pin?.since, TRAFFIC_THRESHOLDS.graceMs),
    ].flatMap((start) => start ?? []);
    const start = starts.toSorted().at(-1);
    if (start === undefined || start <= from) return from;
    return timestampFromMillis(Math.ceil(millisFromTimestamp(start) / MINUTE_MS) * MINUTE_MS);
  }

  async #unresolved(): Promise<readonly Incident[]> {
    const incidents: Incident[] = [];
    let cursor: string | null = null;
    do {
      const page = { limit: INCIDENTS_PER_PAGE, ...(cursor === null ? {} : { cursor }) };
      const { items, nextCursor } = await this.#options.incidents.list({ status: 'unresolved' }, page);
      incidents.push(...items);
      cursor = nextCursor;
    } while (cursor !== null);
    return incidents;
  }

  /** `wanted`: only these buckets. */
  async #buckets(
    from: Timestamp,
    until: Timestamp,
    wanted?: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, Bucket>> {
    const rows = await this.#options.traffic.traffic(from, until, GROUPS_MAX);
    this.#tellIfCut(rows.length >= GROUPS_MAX);
    const buckets = new Map<string, Bucket>();
    for (const row of rows) {
      const { environment, service } = row;
      for (const { prompt, group } of await this.#groups(row)) {
        const key = bucketKey(environment, service, prompt);
        if (wanted?.has(key) === false) continue;
        const bucket = buckets.get(key);
        if (bucket === undefined) buckets.set(key, { environment, service, prompt, groups: [group] });
        else bucket.groups.push(group);
      }
    }
    return buckets;
  }

  async #groups(row: TrafficRow): Promise<readonly { readonly prompt: string; readonly group: TrafficGroup }[]> {
    const registry = this.#options.registry();
    const prompt = promptOf(row);
    const nature = natureOf(row, registry);
    if (nature === 'mixed') return groupsOfExamples(row, await this.#examples.answers(row, EXAMPLES_MAX));
    if (prompt === '') return [];
    const [example] = nature === 'alike' ? await this.#examples.answers(row, 1) : [];
    return [{ prompt, group: example?.wasRead === true ? groupAlike(row, example) : storedGroup(row, registry) }];
  }

  #tellIfCut(isCut: boolean): void {
    if (isCut && !this.#wasCut)
      this.#options.log.warn({ groups: GROUPS_MAX }, 'traffic has too many kinds of calls: the rarest are not judged');
    this.#wasCut = isCut;
  }
}

/** A prompt whose target has an incident is told about already; its traffic is counted there. */
function withoutExplained(findings: readonly Finding[], unresolved: readonly Incident[]): readonly Finding[] {
  const ofTargets = unresolved.filter(({ target }) => isOfSource(target));
  const explained = new Set(ofTargets.map(({ environment, prompt }) => `${environment}\n${prompt}`));
  return findings.filter(
    (finding) => !isDrift(finding) || !explained.has(`${finding.judgement.environment}\n${finding.judgement.prompt}`),
  );
}

function isDrift({ judgement }: Finding): boolean {
  return DRIFT_VERDICTS.has(judgement.verdict);
}

function settled(change: Timestamp | null | undefined, afterMs: number): Timestamp | null {
  return change == null ? null : addMillis(change, afterMs);
}

function bucketKey(environment: string, service: string, prompt: string): string {
  return JSON.stringify([environment, service, prompt]);
}

function bucketKeyOf({ judgement: { environment, target, prompt } }: Finding): string {
  return bucketKey(environment, serviceOfTraffic(target, prompt) ?? '', prompt);
}
