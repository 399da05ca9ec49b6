/**
 * The attributor with everything that is registered in it, and apart from it the texts that polls
 * found live and nobody registered: traffic that carries those is recognised too, but they never
 * count as an answer about a registered version.
 */

import type { Attribution, AttributionMatch, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { HeldObservation } from '../contract/observation.ts';
import type { ContentHash, RegisteredVersion } from '../contract/prompt.ts';
import { UNREGISTERED_PREFIX } from '../contract/traffic-log.ts';
import { createAttributor, type Attributor } from '../attribution/index.ts';
import type { RegistryView } from './registry-view.ts';

/** Live texts that nobody registered; beyond this the oldest is forgotten. */
const UNREGISTERED_MAX = 2_000;
const HASH_DIGITS = 12;

/** The name under which calls that carry an unregistered live text are counted. */
export function unregisteredVersion(hash: ContentHash): string {
  return `${UNREGISTERED_PREFIX}${hash.slice('sha256:'.length, 'sha256:'.length + HASH_DIGITS)}`;
}

export function isUnregistered(version: string): boolean {
  return version.startsWith(UNREGISTERED_PREFIX);
}

interface LiveText {
  readonly prompt: string;
  readonly version: string;
  readonly cosmetic: ContentHash;
}

export class AttributionDesk {
  readonly #registered: Attributor = createAttributor();
  readonly #live: Attributor = createAttributor();
  readonly #registry: () => RegistryView;
  readonly #liveTextsMax: number;
  /** Insertion order is age. */
  readonly #liveTexts = new Map<string, LiveText>();

  constructor(registry: () => RegistryView, liveTextsMax: number = UNREGISTERED_MAX) {
    this.#registry = registry;
    this.#liveTextsMax = liveTextsMax;
  }

  /** Returns the versions that can only be matched by hash, each with the reason. */
  register(
    versions: readonly RegisteredVersion[],
  ): readonly { readonly version: RegisteredVersion; readonly why: string }[] {
    // Components are never live by themselves; what includes them holds their text.
    const live = versions.filter((version) => !version.isComponent);
    this.#forgetRegistered(live);
    return this.#registered.addAll(live).flatMap((result, index) => {
      const version = live[index];
      return version === undefined || result.problems.length === 0 ? [] : [{ version, why: result.problems.join(' ') }];
    });
  }

  /** Makes calls that carry this text countable. True when it was new. */
  learn(held: HeldObservation): boolean {
    const version = unregisteredVersion(held.hashes.strict);
    const key = `${held.prompt}\n${version}`;
    if (this.#liveTexts.has(key) || this.#isRegisteredText(held)) return false;
    const model = this.#registry().versionsOf(held.prompt).at(-1);
    this.#live.add(asVersion(held, version, model));
    this.#liveTexts.set(key, { prompt: held.prompt, version, cosmetic: held.hashes.cosmetic });
    const [oldest] = this.#liveTexts.keys();
    if (this.#liveTexts.size > this.#liveTextsMax && oldest !== undefined) this.#forget(oldest);
    return true;
  }

  /** Also unregistered live texts; for counting traffic. */
  attributeTraffic(query: AttributionQuery): Attribution {
    const registered = this.#registered.attribute(query);
    if (this.#liveTexts.size === 0 || registered.kind === 'exact') return registered;
    const { declared, ...content } = query;
    // The versions of live texts are names that nobody declares.
    const live = this.#live.attribute(
      declared === undefined ? content : { ...content, declared: { prompt: declared.prompt } },
    );
    // What explains more of the text is the likelier origin of it.
    if (literalBytes(live.matches) <= literalBytes(registered.matches)) return registered;
    return { ...live, contradictsDeclaration: registered.contradictsDeclaration };
  }

  /** Registered versions only; for verdicts and for people. */
  attribute(query: AttributionQuery): Attribution {
    return this.#registered.attribute(query);
  }

  near(query: AttributionQuery): readonly NearMatch[] {
    return this.#registered.near(query);
  }

  /** The text of a version of whatever prompt: it is counted as that. */
  #isRegisteredText({ body }: HeldObservation): boolean {
    const query = body.kind === 'text' ? { text: body.text } : { messages: body.messages };
    return this.#registered.attribute(query).matches.some((match) => match.hash !== null);
  }

  /** What is registered by now is no longer an unregistered text. */
  #forgetRegistered(versions: readonly RegisteredVersion[]): void {
    if (this.#liveTexts.size === 0) return;
    const hashes = new Set(versions.flatMap(({ variants }) => variants.map((variant) => variant.hashes.cosmetic)));
    for (const [key, { cosmetic }] of this.#liveTexts) if (hashes.has(cosmetic)) this.#forget(key);
  }

  #forget(key: string): void {
    const text = this.#liveTexts.get(key);
    if (text === undefined) return;
    this.#liveTexts.delete(key);
    this.#live.remove(text.prompt, text.version);
  }
}

function literalBytes(matches: readonly AttributionMatch[]): number {
  return matches[0]?.literalBytes ?? 0;
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
