/**
 * From what polls saw to verdicts and incidents: stores each observation, judges it, and hands the
 * judgement on. Decides nothing itself: `drift` judges, `incidents` keeps.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { HeldObservation, Observation } from '../contract/observation.ts';
import type { ObservationLog, VerdictLog } from '../contract/store.ts';
import type { Clock, TimeInterval } from '../contract/time.ts';
import type { Judgement } from '../contract/verdict.ts';
import { ownerOf } from '../drift/expected.ts';
import { judge, needsAttribution } from '../drift/judge.ts';
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
  /** Gets every new judgement, with the prompt's owner. Must have stored what follows from it when it resolves. */
  readonly onJudgement: (judgement: Judgement, owner: string | null) => Promise<void>;
  /** Content that no registered version has, so that traffic which carries it can be recognised. */
  readonly onUnregistered: (held: HeldObservation) => void;
  /**
   * False when other replicas judge the same targets: then what this process judged last is not
   * what was judged last, and every judgement is handed on.
   */
  readonly judgesAlone: boolean;
}

interface Watched {
  readonly last: Observation;
  readonly lastAnswered: Observation | null;
  readonly siblings: readonly HeldObservation[];
}

export class TargetWatch {
  readonly #options: TargetWatchOptions;
  /** By target and part; as many as there are configured targets and their parts. */
  readonly #watched = new Map<string, Watched>();
  readonly #judged = new Map<string, string>();

  constructor(options: TargetWatchOptions) {
    this.#options = options;
  }

  /** Reads from the store what was last seen, so that the first polls have something to compare with. */
  async load(): Promise<void> {
    for (const { target, part, last, lastAnswered } of await this.#options.observations.latest()) {
      this.#watched.set(keyOf(target, part), { last, lastAnswered, siblings: [] });
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
    const readings = Map.groupBy(batch, (observation) => `${observation.target}\n${observation.observedAt}`);
    for (const reading of readings.values()) {
      const held = reading.filter((observation) => observation.outcome === 'held');
      for (const observation of reading) {
        const key = keyOf(observation.target, observation.part);
        const before = this.#watched.get(key);
        const siblings = held.filter((sibling) => sibling.part !== observation.part);
        const answered = observation.outcome === 'unreachable' ? (before?.lastAnswered ?? null) : observation;
        if (observation.outcome === 'missing' && observation.partEnded === true) {
          this.#watched.delete(key);
          this.#judged.delete(key);
          continue;
        }
        await this.#judge(key, { last: observation, lastAnswered: before?.lastAnswered ?? null, siblings });
        this.#watched.set(key, { last: observation, lastAnswered: answered, siblings });
      }
    }
  }

  /** Judges everything again, because what is expected changed. */
  async judgeAgain(targets: ReadonlySet<string>): Promise<void> {
    for (const [key, watched] of this.#watched) {
      if (!targets.has(watched.last.target)) continue;
      await this.#judge(key, { ...watched, lastAnswered: null });
    }
  }

  /** What a target held when it last answered; several when it holds several parts. */
  held(target: string): readonly HeldObservation[] {
    return [...this.#watched.values()]
      .map((watched) => watched.lastAnswered)
      .filter((observation): observation is HeldObservation => observation?.outcome === 'held' && observation.target === target);
  }

  async #judge(key: string, { last, lastAnswered, siblings }: Watched): Promise<void> {
    const expected = this.#options.registry().expected(last.prompt, last.environment);
    // Everything a judgement is made from, less the time of the look: equal input, equal judgement.
    const input = sha256(canonicalJson([{ ...last, observedAt: null }, expected.pin, expected.versions.length, siblings.map((sibling) => sibling.hashes.strict)]));
    if (this.#options.judgesAlone && this.#judged.get(key) === input) return;
    const judgement = judge(expected, {
      observation: last,
      siblings,
      previous: lastAnswered,
      changed: await this.#changeInterval(last),
      attribution: last.outcome === 'held' && needsAttribution(expected, last) ? this.#attributionOf(last) : null,
    });
    await this.#options.verdicts.append([{ judgement, at: this.#options.clock.now() }]);
    await this.#options.onJudgement(judgement, ownerOf(expected));
    this.#judged.set(key, input);
  }

  async #changeInterval(observation: Observation): Promise<TimeInterval> {
    if (observation.outcome !== 'held') return [null, null];
    return this.#options.observations.changeInterval(observation.target, observation.part, observation.hashes.strict);
  }

  #attributionOf(held: HeldObservation): Attribution {
    const query: AttributionQuery = held.body.kind === 'text' ? { text: held.body.text } : { messages: held.body.messages };
    const attribution = this.#options.attribute(query);
    const near = this.#options.near(query);
    this.#options.onUnregistered(held);
    return near.length === 0 ? attribution : { ...attribution, near };
  }
}

function keyOf(target: string, part: string): string {
  return `${target}\n${part}`;
}
