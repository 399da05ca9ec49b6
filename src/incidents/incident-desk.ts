/**
 * Where judgements become incidents: applies the pure lifecycle to what is stored, one step at a
 * time per problem, and hands every transition to the alerting, whose rows are written first. It
 * decides nothing itself.
 */

import type { Component } from '../contract/component.ts';
import {
  INCIDENT_STATUSES,
  type Incident,
  type IncidentStatus,
  type IncidentTransition,
} from '../contract/incident.ts';
import type { Queue } from '../contract/queue.ts';
import type { Delivery, IncidentLog } from '../contract/store.ts';
import type { Clock, TimeInterval, Timestamp } from '../contract/time.ts';
import { DRIFT_VERDICTS, type Evidence, SEVERITIES, type Severity } from '../contract/verdict.ts';
import { forEachConcurrently } from '../lib/limits.ts';
import { OneAtATime } from '../lib/one-at-a-time.ts';
import { addMillis } from '../lib/time.ts';
import { lastCallEvidence } from '../text/last-call.ts';
import { applyByHand, type HandAction } from './by-hand.ts';
import { type CountedContent, countedContents } from './contents-seen.ts';
import { fingerprintOf } from './fingerprint.ts';
import {
  type Finding,
  isAsFound,
  LIFECYCLE_POLICY,
  type LifecyclePolicy,
  next,
  NO_LONGER_CALLED,
  NO_LONGER_WATCHED,
  recounted,
  resolved,
  type Step,
  withCount,
} from './lifecycle.ts';
import { UnresolvedIncidents } from './unresolved.ts';

/** What the alerting does with a transition; see `src/alerting/alerting.ts`. */
export interface Announcer {
  /**
   * Writes the rows of all alerts that this revision calls for, and takes back those that a process
   * wrote for the same revision and did not live to store. Safe to repeat.
   */
  prepare(incident: Incident, transition: IncidentTransition | 'updated'): Promise<readonly Delivery[]>;
  /** Puts prepared rows to work. What is lost here is found again by the rows. */
  dispatch(deliveries: readonly Delivery[]): Promise<void>;
}

/** How many invocations used any of the drifted contents so far. One that used several counts once. */
export type CountAffected = (what: {
  readonly prompt: string;
  readonly environment: string;
  readonly target: string;
  readonly contents: readonly CountedContent[];
}) => Promise<number>;

/** When what an incident is about was last called, if it is not any more; undefined: it is, or this is about something else. */
export type LastCallOf = (incident: Incident) => TimeInterval | undefined;

export interface IncidentDeskOptions {
  readonly incidents: IncidentLog;
  readonly announcer: Announcer;
  readonly countAffected: CountAffected;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly policy?: LifecyclePolicy;
  /** A failure that must not stop the work at hand, e.g. a count that could not be had. */
  readonly onProblem: (message: string, error: unknown) => void;
}

const REVIEW_JOB = 'incident-review';
const REVIEW_EVERY_MS = 60_000;
/** What is written, looked up and counted at the same time goes together into one statement. */
const CONCURRENCY = 64;
/** A count of affected invocations costs a query; for an incident that goes on it is asked for at most so often. */
const COUNT_FRESH_FOR_MS = 60_000;
/** And, where the query takes long, so many times as long after it: with calls by the ten million it takes seconds. */
const COUNT_FRESH_FOR_TIMES = 100;
/** Exporters gather for seconds, and a collector once more: what was called before the end is known by then. */
const LATE_TELEMETRY_MS = 120_000;
/** Incidents that ended within that time; of more, the last. */
const ENDED_MAX = 1_000;
/** What an earlier process may have left uncounted: it may have ended within two minutes of an incident's end, a while ago. */
const ENDED_BEFORE_MS = 3_600_000;
/** Whoever is told of these is told of the calls of now. */
const COUNTED: ReadonlySet<IncidentTransition> = new Set(['opened', 'reopened', 'escalated', 'resolved']);
const SYSTEM = 'plumbline';

export interface UnresolvedCount {
  readonly severity: Severity;
  readonly status: IncidentStatus;
  readonly incidents: number;
}

export class IncidentDesk implements Component {
  readonly name = 'incidents';
  readonly #options: IncidentDeskOptions;
  readonly #policy: LifecyclePolicy;
  readonly #unresolved: UnresolvedIncidents;
  readonly #oneAtATime = new OneAtATime();
  /** The last finding about each problem that is not resolved, for the review. */
  readonly #lastFindings = new Map<string, Finding>();
  /** When each was last counted; what an earlier process counted is as old as this one. */
  readonly #counts = new Map<string, { readonly atMs: number; readonly tookMs: number }>();
  readonly #sinceMs: number;
  /** By id, those that ended and are counted once more, with when they did (monotonic). A start looks for them again. */
  readonly #ended = new Map<string, number>();

  constructor(options: IncidentDeskOptions) {
    this.#options = options;
    this.#policy = options.policy ?? LIFECYCLE_POLICY;
    this.#unresolved = new UnresolvedIncidents(options.incidents, options.clock);
    this.#sinceMs = options.clock.monotonicMs();
    options.queue.handle(REVIEW_JOB, 1, () => this.review());
  }

  async start(): Promise<void> {
    const { queue, incidents, onProblem } = this.#options;
    try {
      // From now on: what waits in the spool is told first.
      const since = addMillis(this.#now(), -ENDED_BEFORE_MS);
      for (const id of (await incidents.endedSince(since, ENDED_MAX)).toReversed()) this.#noteEnd(id);
    } catch (error) {
      onProblem('Incidents that ended before the start are not counted once more.', error);
    }
    queue.every(REVIEW_JOB, 'all', REVIEW_EVERY_MS, {});
  }

  async stop(): Promise<void> {
    this.#options.queue.cancel(REVIEW_JOB, 'all');
    await this.#oneAtATime.idle();
  }

  /**
   * Applies findings. When it resolves, all that follows from them is stored and alerts are on
   * their way. Rejects with the first failure after all were tried; giving the same findings again
   * is harmless.
   */
  async take(findings: readonly Finding[]): Promise<readonly Step[]> {
    const steps: Step[] = [];
    let failure: { readonly error: unknown } | null = null;
    await forEachConcurrently(findings, CONCURRENCY, async (finding) => {
      try {
        steps.push(await this.#takeOne(finding));
      } catch (error) {
        failure ??= { error };
      }
    });
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
    return steps;
  }

  /**
   * All registered versions whose content is not what it was, as judgements. Incidents about
   * versions that are no longer among them resolve.
   */
  async takeTampering(findings: readonly Finding[]): Promise<void> {
    await this.take(findings);
    const still = new Set(findings.map(({ judgement }) => fingerprintOf(judgement)));
    const gone = (await this.#unresolved.all()).filter(
      (incident) => incident.target.startsWith('registry:') && !still.has(incident.fingerprint),
    );
    await this.#resolveAll(gone, 'in_sync_again');
  }

  /** Closes incidents about places of which nothing will be heard any more. */
  async retire(isWatched: (incident: Incident) => boolean): Promise<void> {
    const orphans = (await this.#unresolved.all()).filter((incident) => !isWatched(incident));
    await this.#resolveAll(orphans, NO_LONGER_WATCHED);
  }

  /** The same where others are called and these are not: `lastCallOf` tells when these were, and nothing of any other. */
  async retireUncalled(lastCallOf: LastCallOf): Promise<void> {
    const lastCalls = (await this.#unresolved.all()).flatMap((incident) => {
      const lastCall = lastCallOf(incident);
      return lastCall === undefined ? [] : { incident, lastCall };
    });
    for (const { incident, lastCall } of lastCalls)
      await this.#resolveAll([incident], NO_LONGER_CALLED, lastCallEvidence(lastCall));
  }

  /** How many are not resolved, by severity and status; a moment behind what other replicas wrote. */
  async unresolvedCounts(): Promise<readonly UnresolvedCount[]> {
    const unresolved = await this.#unresolved.all();
    return SEVERITIES.flatMap((severity) =>
      INCIDENT_STATUSES.filter((status) => status !== 'resolved').map((status) => ({
        severity,
        status,
        incidents: unresolved.filter((each) => each.severity === severity && each.status === status).length,
      })),
    );
  }

  /** Somebody is on it. Null: there is no such incident. */
  acknowledge(id: string, by: string): Promise<Incident | null> {
    return this.#byHand(id, { action: 'acknowledge', by });
  }

  snooze(id: string, until: Timestamp, by: string): Promise<Incident | null> {
    return this.#byHand(id, { action: 'snooze', by, until });
  }

  resolve(id: string, by: string, note?: string): Promise<Incident | null> {
    return this.#byHand(id, note === undefined ? { action: 'resolve', by } : { action: 'resolve', by, note });
  }

  /**
   * Applies the last findings once more, because time passed: a snooze may be over, a flapping place
   * may have been calm for long enough, the last calls of one that ended are known.
   */
  async review(): Promise<void> {
    const open = await this.#unresolved.all();
    // Where another replica has found something else since, that holds.
    const findings = open.flatMap((incident) => {
      const finding = this.#lastFindings.get(incident.fingerprint);
      return finding !== undefined && isAsFound(incident, finding.judgement) ? finding : [];
    });
    await this.take(findings);
    for (const [id, endedMs] of this.#ended) {
      if (this.#options.clock.monotonicMs() - endedMs < LATE_TELEMETRY_MS) break;
      await this.#countOnceMore(id);
      if (this.#ended.get(id) === endedMs) this.#ended.delete(id);
    }
  }

  async #takeOne(finding: Finding): Promise<Step> {
    const { judgement } = finding;
    const fingerprint = fingerprintOf(judgement);
    const isDrift = DRIFT_VERDICTS.has(judgement.verdict);
    if (!isDrift && judgement.verdict !== 'in_sync') {
      // A calm that nobody can see is none that lasts, whatever was found before.
      if (this.#lastFindings.get(fingerprint)?.judgement.verdict === 'in_sync') this.#lastFindings.delete(fingerprint);
      return { kind: 'unchanged', reason: `${judgement.verdict}_says_nothing` };
    }
    return this.#oneAtATime.run(fingerprint, async () => {
      const known = await this.#unresolved.find(fingerprint);
      if (known === null && !isDrift) return { kind: 'unchanged', reason: 'nothing_to_resolve' };
      this.#lastFindings.set(fingerprint, finding);
      const decide = (incident: Incident | null): Step => next(incident, finding, this.#now(), this.#policy);
      const stored = (): Promise<Incident | null> => this.#options.incidents.newestWithFingerprint(fingerprint);
      const held = known === null || known === 'unknown' ? await stored() : known;
      const expected = decide(held);
      const isNothing = expected.kind === 'unchanged' && !this.#isCountDue(held, expected);
      const { incident, step } = isNothing
        ? { incident: held, step: expected }
        : await this.#change(held, stored, decide, SYSTEM);
      const nothingOpen = incident === null || incident.status === 'resolved';
      if (step.kind === 'unchanged' && nothingOpen) this.#forget(fingerprint);
      return step;
    });
  }

  async #byHand(id: string, action: HandAction): Promise<Incident | null> {
    const found = await this.#options.incidents.get(id);
    if (found === null) return null;
    return this.#oneAtATime.run(found.fingerprint, async () => {
      const decide = (incident: Incident | null): Step => applyByHand(incident ?? found, action, this.#now());
      const { incident, step } = await this.#change(found, () => this.#options.incidents.get(id), decide, action.by);
      return step.kind === 'changed' ? step.incident : incident;
    });
  }

  /** One that came back meanwhile is counted as that. */
  async #countOnceMore(id: string): Promise<void> {
    const { incidents } = this.#options;
    const found = await incidents.get(id);
    if (found?.status !== 'resolved') return;
    const affected = await this.#count(found);
    await this.#oneAtATime.run(found.fingerprint, async () => {
      const incident = await incidents.get(id);
      if (affected === null || incident?.status !== 'resolved') return;
      await this.#apply(recounted(incident, affected, this.#now()), SYSTEM);
    });
  }

  async #resolveAll(incidents: readonly Incident[], resolution: string, note: readonly Evidence[] = []): Promise<void> {
    await forEachConcurrently(incidents, CONCURRENCY, (held) =>
      this.#oneAtATime.run(held.fingerprint, async () => {
        const decide = (incident: Incident | null): Step => resolved(incident ?? held, resolution, this.#now(), note);
        await this.#change(held, () => this.#options.incidents.get(held.id), decide, SYSTEM);
      }),
    );
  }

  /**
   * Counts what has to be counted of an incident as it was `held`, which may take seconds, and then
   * decides on what is stored: somebody may have acknowledged it meanwhile.
   */
  async #change(
    held: Incident | null,
    stored: () => Promise<Incident | null>,
    decide: (incident: Incident | null) => Step,
    by: string,
  ): Promise<{ readonly incident: Incident | null; readonly step: Step }> {
    const affected = await this.#affected(held, decide(held));
    const incident = await stored();
    const decided = decide(incident);
    const step = affected === null ? decided : withCount(incident, decided, affected, this.#now());
    await this.#apply(step, by);
    return { incident, step };
  }

  /**
   * Rows of alerts, then the incident, then the jobs. A crash after the first leaves rows that wait
   * for their incident, a crash after the second leaves rows that the next start sends: in no order
   * is an incident stored whose alert is not.
   */
  async #apply(step: Step, by: string): Promise<void> {
    if (step.kind === 'unchanged') return;
    const { incident, transition } = step;
    const { announcer, incidents } = this.#options;
    const deliveries = await announcer.prepare(incident, transition);
    await incidents.append(incident, transition, by);
    this.#unresolved.note(incident);
    if (incident.status === 'resolved') this.#forget(incident.fingerprint);
    if (transition === 'resolved') this.#noteEnd(incident.id);
    try {
      await announcer.dispatch(deliveries);
    } catch (error) {
      this.#options.onProblem(`Alerts about incident ${incident.id} wait until the queue takes work again.`, error);
    }
  }

  /** Counted anew for everything that is announced, and now and then while an incident goes on. Null: not now. */
  async #affected(held: Incident | null, step: Step): Promise<number | null> {
    const incident = step.kind === 'changed' ? step.incident : held;
    if (incident === null || !this.#isCountDue(incident, step)) return null;
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const affected = await this.#count(incident);
    this.#counts.set(incident.fingerprint, { atMs: startMs, tookMs: clock.monotonicMs() - startMs });
    return affected;
  }

  async #count(incident: Incident): Promise<number | null> {
    const { prompt, environment, target } = incident;
    const { countAffected, onProblem } = this.#options;
    try {
      return await countAffected({ prompt, environment, target, contents: countedContents(incident) });
    } catch (error) {
      // An alert without its count is better than no alert.
      onProblem(`The invocations affected in ${target} could not be counted.`, error);
      return null;
    }
  }

  #isCountDue(incident: Incident | null, step: Step): boolean {
    if (step.kind === 'changed' && step.transition !== 'updated') return COUNTED.has(step.transition);
    const isWrong = step.kind === 'changed' ? step.incident.calmSince === null : step.reason === 'same_problem';
    if (incident === null || !isWrong) return false;
    const { fingerprint, invocationsAffected } = incident;
    const { atMs, tookMs } = this.#counts.get(fingerprint) ?? { atMs: this.#sinceMs, tookMs: 0 };
    // A zero is soon wrong.
    const freshForMs = invocationsAffected === 0 ? 0 : COUNT_FRESH_FOR_MS;
    return this.#options.clock.monotonicMs() - atMs >= Math.max(freshForMs, tookMs * COUNT_FRESH_FOR_TIMES);
  }

  #noteEnd(id: string): void {
    // At the end, so that the oldest comes first.
    this.#ended.delete(id);
    this.#ended.set(id, this.#options.clock.monotonicMs());
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > ENDED_MAX) this.#ended.delete(oldest);
  }

  #forget(fingerprint: string): void {
    this.#lastFindings.delete(fingerprint);
    this.#counts.delete(fingerprint);
  }

  #now(): Timestamp {
    return this.#options.clock.now();
  }
}
