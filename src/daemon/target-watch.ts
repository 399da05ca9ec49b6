/**
 * From what polls saw to verdicts and incidents: stores each observation, judges it, and hands the
 * judgement on. Decides nothing itself: `drift` judges, `incidents` keeps.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { HeldObservation, Observation } from '../contract/observation.ts';
import type { LatestObservation, ObservationLog, VerdictLog } from '../contract/store.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import type { Clock, TimeInterval, Timestamp } from '../contract/time.ts';
import type { Judgement } from '../contract/verdict.ts';
import { ownerOf, type Expected } from '../drift/expected.ts';
import { judge, needsAttribution } from '../drift/judge.ts';
import type { Finding } from '../incidents/lifecycle.ts';
import { canonicalJson } from '../lib/json.ts';
import { sha256 } from '../lib/hash.ts';
import type { RegistryView } from './registry-view.ts';

export interface TargetWatchOptions {
  readonly observations: ObservationLog;
  readonly verdicts: VerdictLog;
  readonly clock: Clock;
  readonly registry: () => RegistryView;
  readonly attribute: (query: AttributionQuery) => Attribution;
  readonly near: (query: AttributionQuery) => readonly NearMatch[];
  /** Gets a judgement at every look, new or not. Must have stored what follows from it when it resolves. */
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
  /** Content that no registered version has, so that traffic which carries it can be recognised. */
  readonly onUnregistered: (held: HeldObservation) => void;
  /**
   * False when other replicas judge the same targets: then what this process judged last is not
   * what was judged last, and every verdict is recorded.
   */
  readonly judgesAlone: boolean;
  /** Why content that no known version has may be registered all the same; null when there is no such reason. */
  readonly doubt?: (observation: Observation, versions: readonly RegisteredVersion[]) => string | null;
}

interface Watched {
  readonly last: Observation;
  readonly lastAnswered: Observation | null;
  readonly siblings: readonly HeldObservation[];
  /** Seen by this process. What an earlier one saw is compared with, and not judged again. */
  readonly isFresh: boolean;
  /** When this process last saw it hold something else than before. */
  readonly changedAt: Timestamp | null;
}

interface Judged {
  /** Hash of all that went into the judgement. */
  readonly input: string;
  readonly finding: Finding;
}

export class TargetWatch {
  readonly #options: TargetWatchOptions;
  /** By target and part; as many as there are configured targets and their parts. */
  readonly #watched = new Map<string, Watched>();
  readonly #judged = new Map<string, Judged>();
  readonly #restoring = new Set<string>();

  /** `latest`: what the store says was seen last, so that the first polls have something to compare with. */
  constructor(latest: readonly LatestObservation[], options: TargetWatchOptions) {
    this.#options = options;
    for (const { target, part, last, lastAnswered } of latest) {
      this.#watched.set(keyOf(target, part), { last, lastAnswered, siblings: [], isFresh: false, changedAt: null });
    }
  }

  /** Parts that each target held when it was last seen. */
  partsBefore(): ReadonlyMap<string, readonly string[]> {
    const parts = new Map<string, string[]>();
    for (const { lastAnswered } of this.#watched.values()) {
      if (lastAnswered?.outcome !== 'held') continue;
      parts.set(lastAnswered.target, [...(parts.get(lastAnswered.target) ?? []), lastAnswered.part]);
    }
    return parts;
  }

  /** Stores and judges one batch of observations. */
  async take(batch: readonly Observation[]): Promise<void> {
    await this.#options.observations.append(batch);
    const findings: Finding[] = [];
    const readings = Map.groupBy(batch, (observation) => `${observation.target}\n${observation.observedAt}`);
    for (const reading of readings.values()) {
      const held = reading.filter((observation) => observation.outcome === 'held');
      for (const observation of reading) {
        const key = keyOf(observation.target, observation.part);
        const before = this.#watched.get(key);
        const siblings = held.filter((sibling) => sibling.part !== observation.part);
        const answered = observation.outcome === 'unreachable' ? (before?.lastAnswered ?? null) : observation;
        const changedAt = changed(before?.lastAnswered ?? null, observation)
          ? observation.observedAt
          : (before?.changedAt ?? null);
        const watched = {
          last: observation,
          lastAnswered: before?.lastAnswered ?? null,
          siblings,
          isFresh: true,
          changedAt,
        };
        findings.push(await this.#judge(key, watched));
        this.#watched.set(key, { ...watched, lastAnswered: answered });
        if (observation.outcome === 'missing' && observation.partEnded === true) {
          this.#watched.delete(key);
          this.#judged.delete(key);
        }
      }
    }
    await this.#options.onFindings(findings.map((finding) => this.#withCause(finding)));
  }

  /** While we put a target right ourselves, its resolution says so. */
  async whileRestoring<T>(target: string, work: () => Promise<T>): Promise<T> {
    this.#restoring.add(target);
    try {
      return await work();
    } finally {
      this.#restoring.delete(target);
    }
  }

  /** Judges what was seen last once more, because what is expected of these prompts changed. */
  async judgeAgain(prompts: ReadonlySet<string>): Promise<void> {
    const findings: Finding[] = [];
    for (const [key, watched] of this.#watched) {
      if (watched.isFresh && prompts.has(watched.last.prompt)) findings.push(await this.#judge(key, watched));
    }
    await this.#options.onFindings(findings);
  }

  /** When a target of this prompt was last seen to change; null when it never was since this process began. */
  lastChange(prompt: string, environment: string): Timestamp | null {
    const changes = [...this.#watched.values()]
      .filter(({ last }) => last.prompt === prompt && last.environment === environment)
      .flatMap(({ changedAt }) => changedAt ?? []);
    return changes.toSorted().at(-1) ?? null;
  }

  /** What a target held when it last answered; several when it holds several parts. */
  held(target: string): readonly HeldObservation[] {
    return [...this.#watched.values()]
      .map((watched) => watched.lastAnswered)
      .filter(
        (observation): observation is HeldObservation =>
          observation?.outcome === 'held' && observation.target === target,
      );
  }

  async #judge(key: string, { last, lastAnswered, siblings }: Watched): Promise<Finding> {
    const expected = this.#options.registry().expected(last.prompt, last.environment);
    const doubt = this.#options.doubt?.(last, expected.versions) ?? null;
    const input = judgementInput(expected, last, siblings, doubt);
    const before = this.#judged.get(key);
    if (before?.input === input && this.#options.judgesAlone) return before.finding;
    const judged = judge(expected, {
      observation: last,
      siblings,
      previous: lastAnswered,
      changed: await this.#changeInterval(last),
      attribution: last.outcome === 'held' && needsAttribution(expected, last) ? this.#attributionOf(last) : null,
    });
    const judgement = doubt === null ? judged : inDoubt(judged, doubt);
    await this.#options.verdicts.append([{ judgement, at: this.#options.clock.now() }]);
    const finding: Finding = { judgement, owner: ownerOf(expected) };
    this.#judged.set(key, { input, finding });
    return finding;
  }

  #withCause(finding: Finding): Finding {
    return this.#restoring.has(finding.judgement.target) ? { ...finding, cause: 'restored' } : finding;
  }

  async #changeInterval(observation: Observation): Promise<TimeInterval> {
    if (observation.outcome !== 'held') return [null, null];
    return this.#options.observations.changeInterval(observation.target, observation.part, observation.hashes.strict);
  }

  #attributionOf(held: HeldObservation): Attribution {
    const query: AttributionQuery =
      held.body.kind === 'text' ? { text: held.body.text } : { messages: held.body.messages };
    const attribution = this.#options.attribute(query);
    const near = this.#options.near(query);
    this.#options.onUnregistered(held);
    return near.length === 0 ? attribution : { ...attribution, near };
  }
}

/** Another content than last time, or none any more. */
function changed(before: Observation | null, now: Observation): boolean {
  if (before === null || now.outcome === 'unreachable') return false;
  if (before.outcome !== 'held' || now.outcome !== 'held') return before.outcome !== now.outcome;
  return before.hashes.strict !== now.hashes.strict;
}

/** Nobody is told that a text is not registered while the registry that may hold it can't be asked. */
function inDoubt(judgement: Judgement, doubt: string): Judgement {
  if (judgement.verdict !== 'edited' && judgement.verdict !== 'unregistered') return judgement;
  return {
    ...judgement,
    verdict: 'unverifiable',
    severity: 'info',
    reason: 'registry_not_read',
    summary: `${judgement.prompt} in ${judgement.environment} can't be checked: ${doubt}.`,
    evidence: [...judgement.evidence, { kind: 'registry', words: doubt }],
  };
}

/** Everything a judgement is made from, less the time of the look: equal input, equal judgement. */
function judgementInput(
  expected: Expected,
  last: Observation,
  siblings: readonly HeldObservation[],
  doubt: string | null,
): string {
  const versions = expected.versions.map((version) => [
    version.version,
    version.owner,
    version.variants.map((variant) => variant.hashes.strict),
  ]);
  const seen = siblings.map((sibling) => [sibling.part, sibling.hashes.strict, sibling.share]);
  return sha256(canonicalJson([{ ...last, observedAt: null }, expected.pin, versions, seen, doubt]));
}

function keyOf(target: string, part: string): string {
  return `${target}\n${part}`;
}
