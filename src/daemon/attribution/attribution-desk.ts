/**
 * The attributor with everything that is registered in it, and apart from it the texts that polls
 * found live and nobody registered: traffic that carries those is recognised too, but they never
 * count as an answer about a registered version.
 */

import type {
  Attribution,
  AttributionMatch,
  AttributionQuery,
  Explanation,
  NearMatch,
  SentWhere,
} from '../../contract/attribution.ts';
import type { HeldObservation } from '../../contract/observation.ts';
import type { ContentHash, PromptVariant, RegisteredVersion } from '../../contract/prompt.ts';
import { UNREGISTERED_DIGITS, UNREGISTERED_PREFIX } from '../../contract/traffic-log.ts';
import {
  besideNear,
  createAttributor,
  deservesNear,
  settleTie,
  withNear,
  type Attributor,
  type TieEvidence,
} from '../../attribution/index.ts';
import { shortId } from '../../lib/hash.ts';
import type { Steps } from '../../lib/steps.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import { ServicePrompts } from './service-prompts.ts';

/** Live texts that nobody registered; beyond this the oldest is forgotten. */
const UNREGISTERED_MAX = 2_000;

/** The name under which calls that carry an unregistered live text are counted. */
export function unregisteredVersion(hash: ContentHash): string {
  return `${UNREGISTERED_PREFIX}${hash.slice('sha256:'.length, 'sha256:'.length + UNREGISTERED_DIGITS)}`;
}

export function isUnregistered(version: string): boolean {
  return version.startsWith(UNREGISTERED_PREFIX);
}

interface LiveText {
  readonly prompt: string;
  readonly version: string;
  readonly cosmetic: ContentHash;
  readonly id: string;
}

export class AttributionDesk {
  readonly #registered: Attributor = createAttributor();
  readonly #live: Attributor = createAttributor();
  readonly #registry: () => RegistryView;
  readonly #services = new ServicePrompts();
  readonly #liveTextsMax: number;
  readonly #ids = new Set<string>();
  /** Insertion order is age. */
  readonly #liveTexts = new Map<string, LiveText>();

  constructor(registry: () => RegistryView, liveTextsMax: number = UNREGISTERED_MAX) {
    this.#registry = registry;
    this.#liveTextsMax = liveTextsMax;
  }

  /** Of everything that traffic is attributed by now. */
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  /** Returns the versions that can only be matched by hash, each with the reason. */
  register(
    versions: readonly RegisteredVersion[],
  ): readonly { readonly version: RegisteredVersion; readonly why: string }[] {
    // Components are never live by themselves; what includes them holds their text.
    const live = versions.filter((version) => !version.isComponent);
    this.#forgetRegistered(live);
    for (const version of live) this.#ids.add(idOf(version));
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
    const { resolved } = held;
    this.#keep(key, asVersion(held, version, model, resolved === undefined ? [held] : [held, resolved]));
    return true;
  }

  /** How a registered version reads with what it includes now: calls carry that. True when it was new. */
  learnResolved(held: HeldObservation, version: string): boolean {
    const { prompt, resolved } = held;
    const key = `${prompt}\n${version}`;
    if (resolved === undefined || this.#liveTexts.get(key)?.cosmetic === resolved.hashes.cosmetic) return false;
    if (this.#isRegisteredText(resolved)) return false;
    this.#forget(key);
    this.#keep(key, asVersion(held, version, this.#registry().version(prompt, version) ?? undefined, [resolved]));
    return true;
  }

  #keep(key: string, live: RegisteredVersion): void {
    this.#live.add(live);
    const { prompt, version, variants } = live;
    const id = idOf(live);
    this.#ids.add(id);
    this.#liveTexts.set(key, { prompt, version, cosmetic: variants[0].hashes.cosmetic, id });
    const [oldest] = this.#liveTexts.keys();
    if (this.#liveTexts.size > this.#liveTextsMax && oldest !== undefined) this.#forget(oldest);
  }

  /** Also unregistered live texts; for counting traffic. */
  attributeTraffic(query: AttributionQuery): Attribution {
    const registered = this.attribute(query);
    this.#note(registered, query.sent);
    if (this.#liveTexts.size === 0 || registered.kind === 'exact') return registered;
    const { declared, ...content } = query;
    // The versions of live texts are names that nobody declares.
    const live = this.#live.attribute(
      declared === undefined ? content : { ...content, declared: { prompt: declared.prompt } },
    );
    // What explains more of the text is the likelier origin of it.
    if (literalBytes(live.matches) <= literalBytes(registered.matches)) return registered;
    return { ...besideNear(live, []), contradictsDeclaration: registered.contradictsDeclaration };
  }

  /** Registered versions only; for verdicts and for people. */
  attribute(query: AttributionQuery): Attribution {
    const answer = this.#registered.attribute(query);
    if (answer.kind !== 'ambiguous' || query.sent === undefined) return answer;
    return settleTie(answer, query.sent, this.#tieEvidence(answer, query.sent));
  }

  /** What earlier calls of a service carried. */
  learnService(environment: string, service: string, prompt: string, calls: number): void {
    this.#services.note(environment, service, prompt, calls);
  }

  /** The whole answer to a person's question, with near misses where nothing fits. */
  *explain(query: AttributionQuery): Steps<Explanation> {
    const answer = this.attribute(query);
    const whole = deservesNear(answer) ? withNear(answer, yield* this.near(query)) : answer;
    return this.#registered.explain(query, whole);
  }

  /** Takes a while for a long text. */
  near(query: AttributionQuery): Steps<readonly NearMatch[]> {
    return this.#registered.nearSteps(query);
  }

  /** Only calls that fit one prompt alone say what their service uses. */
  #note({ kind, matches, tie }: Attribution, sent: SentWhere | undefined): void {
    const [match] = matches;
    if (match === undefined || matches.length > 1 || tie != null || sent?.service === undefined) return;
    if (kind === 'rendered' || kind === 'exact')
      this.#services.note(sent.environment ?? '', sent.service, match.prompt);
  }

  #tieEvidence({ matches }: Attribution, { at, environment, service }: SentWhere): TieEvidence {
    const registry = this.#registry();
    const used = new Set(
      service === undefined
        ? []
        : matches
            .map(({ prompt }) => prompt)
            .filter((prompt) => this.#services.uses(environment ?? '', service, prompt)),
    );
    return {
      wasPinned: ({ prompt, version }) => {
        const pin = environment === undefined ? null : registry.pin(prompt, environment);
        // Not every pin has a date; without one it is taken to have been there.
        return pin?.version === version && (pin.since === null || at === undefined || pin.since <= at);
      },
      wasRegistered: ({ prompt, version }) => {
        const registeredAt = registry.version(prompt, version)?.registeredAt ?? null;
        return registeredAt === null || at === undefined || registeredAt <= at;
      },
      isUsedByService: (prompt) => used.has(prompt),
    };
  }

  /** The text of a version of whatever prompt: it is counted as that. */
  #isRegisteredText({ body }: Pick<HeldObservation, 'body'>): boolean {
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
    this.#ids.delete(text.id);
    this.#live.remove(text.prompt, text.version);
  }
}

function idOf({ prompt, version, variants }: RegisteredVersion): string {
  return shortId(prompt, version, ...variants.map(({ hashes }) => hashes.strict));
}

function literalBytes(matches: readonly AttributionMatch[]): number {
  return matches[0]?.literalBytes ?? 0;
}

type Text = Pick<HeldObservation, 'body' | 'hashes'>;

/** In the format of what is registered for that prompt: an edit by hand keeps the syntax. */
function asVersion(
  held: HeldObservation,
  version: string,
  model: RegisteredVersion | undefined,
  [text, ...others]: readonly [Text, ...Text[]],
): RegisteredVersion {
  const variant = model?.variants[0];
  const variantOf = ({ body, hashes }: Text): PromptVariant => ({
    model: held.settings.model ?? variant?.model ?? '',
    body,
    format: variant?.format ?? 'plain',
    settings: held.settings,
    hashes,
  });
  return {
    prompt: held.prompt,
    version,
    parent: null,
    owner: model?.owner ?? '',
    tags: [],
    isComponent: false,
    variants: [variantOf(text), ...others.map(variantOf)],
    components: [],
    metrics: {},
    registry: `live:${held.source}`,
    origin: { file: held.target },
    registeredAt: null,
    author: held.editedBy,
  };
}
