/**
 * The attributor with everything that is registered in it, and beside that the texts that polls
 * found live and nobody registered: traffic that carries those is recognised too, but they never
 * count as an answer about a registered version.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { HeldObservation } from '../contract/observation.ts';
import type { ContentHash, RegisteredVersion } from '../contract/prompt.ts';
import { createAttributor, type Attributor } from '../attribution/attributor.ts';
import type { RegistryView } from './registry-view.ts';

const UNREGISTERED = 'unregistered:';
/** Live texts that nobody registered; beyond this the oldest is forgotten. */
const UNREGISTERED_MAX = 2_000;

/** The name under which calls that carry an unregistered live text are counted. */
export function unregisteredVersion(hash: ContentHash): string {
  return `${UNREGISTERED}${hash.slice('sha256:'.length, 'sha256:'.length + 12)}`;
}

export function isUnregistered(version: string): boolean {
  return version.startsWith(UNREGISTERED);
}

export class AttributionDesk {
  readonly #attributor: Attributor = createAttributor();
  readonly #registry: () => RegistryView;
  /** Insertion order is age. */
  readonly #unregistered = new Map<string, { readonly prompt: string; readonly version: string }>();

  constructor(registry: () => RegistryView) {
    this.#registry = registry;
  }

  /** Returns the versions that can only be matched by hash, each with the reason. */
  register(
    versions: readonly RegisteredVersion[],
  ): readonly { readonly version: RegisteredVersion; readonly why: string }[] {
    // Components are never live by themselves; what includes them holds their text.
    const live = versions.filter((version) => !version.isComponent);
    return this.#attributor.addAll(live).flatMap((result, index) => {
      const version = live[index];
      return version === undefined || result.problems.length === 0 ? [] : [{ version, why: result.problems.join(' ') }];
    });
  }

  /** Makes calls that carry this text countable. True when it was new. */
  learn(held: HeldObservation): boolean {
    const version = unregisteredVersion(held.hashes.strict);
    const key = `${held.prompt}\n${version}`;
    if (this.#unregistered.has(key)) return false;
    const model = this.#registry().versionsOf(held.prompt).at(-1);
    this.#attributor.add(asVersion(held, version, model));
    this.#unregistered.set(key, { prompt: held.prompt, version });
    const [oldest] = this.#unregistered;
    if (this.#unregistered.size > UNREGISTERED_MAX && oldest !== undefined) {
      this.#unregistered.delete(oldest[0]);
      this.#attributor.remove(oldest[1].prompt, oldest[1].version);
    }
    return true;
  }

  /** Also unregistered live texts; for counting traffic. */
  attributeTraffic(query: AttributionQuery): Attribution {
    return this.#attributor.attribute(query);
  }

  /** Registered versions only; for verdicts and for people. */
  attribute(query: AttributionQuery): Attribution {
    const attribution = this.#attributor.attribute(query);
    if (!attribution.matches.some((match) => isUnregistered(match.version))) return attribution;
    const matches = attribution.matches.filter((match) => !isUnregistered(match.version));
    if (matches.length > 0) return { ...attribution, matches };
    return {
      ...attribution,
      kind: 'unknown',
      matches,
      words: 'none of the registered versions; this text was seen live, and nobody registered it',
    };
  }

  near(query: AttributionQuery): readonly NearMatch[] {
    return this.#attributor.near(query).filter((near) => !isUnregistered(near.version));
  }
}

/** In the format of what is registered for that prompt: an edit by hand keeps the syntax. */
function asVersion(held: HeldObservation, version: string, model: RegisteredVersion | undefined): RegisteredVersion {
  const variant = model?.variants[0];
  return {
    prompt: held.prompt,
    version,
    parent: null,
    owner: model?.owner ?? '',
    tags: [],
    isComponent: false,
    variants: [
      {
        model: held.settings.model ?? variant?.model ?? '',
        body: held.body,
        format: variant?.format ?? 'plain',
        settings: held.settings,
        hashes: held.hashes,
      },
    ],
    components: [],
    metrics: {},
    registry: `live:${held.source}`,
    origin: { file: held.target },
    registeredAt: null,
    author: held.editedBy,
  };
}
