/**
 * Pins of the rule "whatever the registry labels": made from what polls saw a label name, so that a
 * pin and the content behind it always come from the same look. Lockfile pins outrank them.
 */

import type { Observation } from '../../contract/observation.ts';
import type { Pin, RegisteredVersion } from '../../contract/prompt.ts';
import type { LatestObservation } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';

/** What a label named when its target was last read. */
interface LabelFact {
  readonly source: string;
  readonly environment: string;
  readonly prompt: string;
  readonly rule: string;
  readonly version: string;
  readonly since: Timestamp | null;
  readonly url: string | null;
}

export class LabelPins {
  readonly #registries: ReadonlySet<string>;
  /** By target; as many as there are configured targets of registries. */
  readonly #facts = new Map<string, LabelFact>();
  readonly #rules = new Set<string>();

  /** `registries`: the sources that are registries. `latest`: what was seen before this process began. */
  constructor(registries: ReadonlySet<string>, latest: readonly LatestObservation[]) {
    this.#registries = registries;
    this.recall(latest);
  }

  /** Rules whose pins `pins` gives completely. */
  get rules(): readonly string[] {
    return [...this.#rules];
  }

  /** True when a label of this batch names something else than before. */
  wouldChange(batch: readonly Observation[]): boolean {
    return batch.some((observation) => {
      if (!this.#isLabelled(observation)) return false;
      const fact = factOf(observation);
      const before = this.#facts.get(observation.target);
      return fact?.version !== before?.version || fact?.rule !== before?.rule;
    });
  }

  take(batch: readonly Observation[]): void {
    for (const observation of batch) {
      if (this.#isLabelled(observation)) this.#note(observation);
    }
  }

  /** The same from the store, where another replica may have looked later. */
  recall(latest: readonly LatestObservation[]): void {
    this.take(latest.flatMap(({ lastAnswered }) => lastAnswered ?? []));
  }

  /** A label that names no version that we know pins nothing. */
  pins(find: (source: string, prompt: string, version: string) => RegisteredVersion | null): readonly Pin[] {
    return [...this.#facts.values()].flatMap((fact) => {
      const version = find(fact.source, fact.prompt, fact.version);
      if (version === null) return [];
      return {
        environment: fact.environment,
        prompt: fact.prompt,
        version: fact.version,
        hash: version.variants[0].hashes.strict,
        rule: fact.rule,
        origin: { file: fact.url ?? version.origin.file },
        since: fact.since,
        // Registries tell who wrote a version, not who moved the label to it.
        by: null,
      };
    });
  }

  /** Several contents at one target (a split, branches) are no single label. */
  #isLabelled(observation: Observation): boolean {
    return this.#registries.has(observation.source) && observation.part === '' && observation.outcome !== 'unreachable';
  }

  #note(observation: Observation): void {
    const fact = factOf(observation);
    if (fact === null) {
      this.#facts.delete(observation.target);
      return;
    }
    const before = this.#facts.get(observation.target);
    // Its row may be touched for other reasons later; the label has been there since the first time.
    const stayed = before?.version === fact.version && before.rule === fact.rule;
    this.#facts.set(observation.target, stayed ? { ...fact, since: before.since ?? fact.since } : fact);
    this.#rules.add(fact.rule);
  }
}

function factOf(observation: Observation): LabelFact | null {
  if (observation.outcome !== 'held' || observation.pointer === null || observation.share !== null) return null;
  const { source, environment, prompt, pointer, sourceVersion, editedAt, url } = observation;
  return {
    source,
    environment,
    prompt,
    rule: `label:${pointer.name}@${source}`,
    version: sourceVersion ?? pointer.value,
    since: editedAt,
    url,
  };
}
