/**
 * AI Configs in LaunchDarkly: every variation that an environment serves, by default, in a rollout or
 * by a rule. Targeting is the pointer. Who edited is told by the audit log.
 */

import { z } from 'zod';
import { isFault } from '../src/contract/fault.ts';
import type { PromptBody, PromptSettings } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source } from '../src/contract/source.ts';
import { sha256 } from '../src/lib/hash.ts';
import { canonicalBody, chatBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { noSuchVersion } from './lib/find-version.ts';
import { actorOf, AuditEntry, isAbout, type AuditPlace } from './lib/launchdarkly-audit.ts';
import { servedVariations, Targeting } from './lib/launchdarkly-targeting.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { hmacHex, pushedJson, Replays, requireSignature } from './lib/signed-push.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://app.launchdarkly.com'),
  api_key: secret(),
  project: z.string().min(1),
  /** LaunchDarkly's key of the environment. */
  environment_key: z.string().min(1).default('production'),
  /** The secret of a signed webhook. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** Key of the AI Config. */
  key: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Model = z.looseObject({ modelName: z.string().nullish(), parameters: z.unknown() });
const Variation = z
  .object({
    _id: z.string(),
    key: z.string(),
    version: z.int(),
    messages: z.array(z.object({ role: z.string(), content: z.string() })).nullish(),
    instructions: z.string().nullish(),
    model: Model.nullish(),
    tools: z.array(z.unknown()).nullish(),
    /** Of this version of the variation. */
    createdAt: z.number().nullish(),
  })
  .transform(({ _id: id, ...rest }) => ({ ...rest, id }));
type Variation = z.output<typeof Variation>;
const AiConfig = z.object({ key: z.string(), name: z.string(), variations: z.array(Variation) });
const Configs = z.object({ items: z.array(z.object({ key: z.string() })), totalCount: z.int() });
const AuditLog = z.object({ items: z.array(AuditEntry) });

interface Served {
  readonly config: z.output<typeof AiConfig>;
  readonly targeting: Targeting;
}

const PAGE_SIZE = 50;
const SEMANTIC_PATCH = 'application/json; domain-model=launchdarkly.semanticpatch';
// The audit log and what it is about are written one after the other.
const AUDIT_MS = 5_000;
// The most that the audit log gives at once.
const AUDIT_LIMIT = 20;

export const launchdarkly = sourcePlugin({
  type: 'launchdarkly',
  summary: 'Every variation of an AI Config that an environment serves in LaunchDarkly.',
  config: Config,
  target: Target,
  example: {
    config: {
      api_key: 'env:LAUNCHDARKLY_API_KEY',
      project: 'default',
      environment_key: 'production',
      webhook_secret: 'env:LAUNCHDARKLY_WEBHOOK_SECRET',
    },
    targets: [{ key: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: config.api_key, 'ld-api-version': 'beta' };
    const question = { query: { limit: 1 } };
    const api = new Api(context.fetch, config.base_url, headers, { besides: rootOf(config), question });
    const place = new LaunchDarkly(api, config);
    const byId: ByIdPlace<Target, Served> = {
      idOf: (target) => target.config.key,
      one: (key, _target, signal) => place.one(key, signal),
      contentsOf: (served) => place.contentsOf(served),
    };
    return {
      live: {
        read: (targets, known, signal) =>
          readEach(targets, signal, (target) =>
            place.readOne(target.id, target.config.key, known.get(target.id), signal),
          ),
      },
      discover: discoverById(
        byId,
        (signal) => place.all(signal),
        (key) => [{ name: key, target: { key } }],
      ),
      restore: restoreById(byId, { form: 'pointer', comparesAndSets: false }, (served, _target, request, signal) =>
        place.restore(served, request, signal),
      ),
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config, config.webhook_secret) }),
    };
  },
});

function rootOf({ project }: Config): string {
  return `/api/v2/projects/${encodeURIComponent(project)}/ai-configs`;
}

class LaunchDarkly {
  readonly #api: Api;
  readonly #root: string;
  readonly #environment: string;
  readonly #audited: AuditPlace;

  constructor(api: Api, config: Config) {
    const { project, environment_key: environment } = config;
    this.#api = api;
    this.#root = rootOf(config);
    this.#environment = environment;
    this.#audited = { project, environment };
  }

  async one(key: string, signal: AbortSignal): Promise<Served | null> {
    const found = await this.#api.find(AiConfig, this.#pathOf(key), { signal });
    if (found === null) return null;
    return {
      config: found,
      targeting: await this.#api.get(Targeting, `${this.#pathOf(key)}/targeting`, { signal }),
    };
  }

  async *all(signal: AbortSignal) {
    const listed = allPages<{ key: string }>(this.#api.host, async (next) => {
      const offset = Number(next ?? 0);
      const query = { limit: PAGE_SIZE, offset };
      const { items, totalCount } = await this.#api.get(Configs, this.#root, { query, signal });
      const end = offset + items.length;
      return { items, next: items.length > 0 && end < totalCount ? end : null };
    });
    for await (const { key } of listed) {
      const served = await this.one(key, signal);
      if (served !== null) yield [key, served] as const;
    }
  }

  async readOne(target: string, key: string, known: string | undefined, signal: AbortSignal): Promise<Reading> {
    const served = await this.one(key, signal);
    const contents = served === null ? null : this.contentsOf(served);
    if (contents === null) {
      const reason = served === null ? `There is no ${key}.` : `${this.#environment} serves no variation of ${key}.`;
      return { outcome: 'missing', target, reason };
    }
    const cursor = sha256(JSON.stringify(contents));
    if (cursor === known) return { outcome: 'unchanged', target };
    const [first, ...others] = contents;
    const editors = await this.#editorsOf(key, contents, signal);
    const withEditor = (content: LiveContent): LiveContent => {
      const editedBy = content.editedAt === undefined ? undefined : editors?.get(content.editedAt);
      return editedBy === undefined ? content : { ...content, editedBy };
    };
    const named = [withEditor(first), ...others.map(withEditor)] as const;
    // Without a cursor they are asked for again.
    return { outcome: 'held', target, contents: named, ...(editors === null ? {} : { cursor }) };
  }

  /** A default that is one variation is the config itself; variations of a rollout or of rules are parts of it. */
  contentsOf({ config, targeting }: Served): Contents | null {
    const served = servedVariations(targeting, this.#environment);
    const isSplit = served.filter(({ isDefault }) => isDefault).length > 1;
    const { lastModified } = targeting.environments[this.#environment] ?? {};
    const contents = served.flatMap(({ id, isDefault, share }): readonly LiveContent[] => {
      const variation = config.variations.find((each) => each.id === id);
      if (variation === undefined) return [];
      const { key, version, model, tools } = variation;
      return [
        {
          body: bodyOf(variation),
          ...settingsFrom({ model: model?.modelName, parameters: model?.parameters, tools }),
          pointer: { name: this.#environment, value: key },
          version: `${key}.${version}`,
          ...(isSplit || !isDefault ? { part: key } : {}),
          ...(isSplit && share !== null ? { share } : {}),
          // Either the text was changed last, or what is served.
          ...editedAt(Math.max(lastModified ?? 0, variation.createdAt ?? 0)),
        },
      ];
    });
    const [first, ...others] = contents;
    return first === undefined ? null : [first, ...others];
  }

  /** By the time of the edit, for those that the audit log names; null when it could not be asked now. */
  async #editorsOf(key: string, contents: Contents, signal: AbortSignal): Promise<ReadonlyMap<string, string> | null> {
    const editors = new Map<string, string>();
    try {
      for (const at of new Set(contents.flatMap((content) => content.editedAt ?? []))) {
        const time = Date.parse(at);
        const query = { after: time - AUDIT_MS, before: time + AUDIT_MS, limit: AUDIT_LIMIT };
        const { items } = await this.#api.get(AuditLog, '/api/v2/auditlog', { query, signal });
        const [nearest] = items
          .filter((entry) => isAbout(entry, this.#audited, key))
          .toSorted((a, b) => Math.abs(a.date - time) - Math.abs(b.date - time));
        const actor = nearest === undefined ? null : actorOf(nearest);
        if (actor !== null) editors.set(at, actor);
      }
    } catch (error) {
      // A key that may not read the audit log still reads the configs.
      if (!isFault(error) || error.kind === 'overloaded') throw error;
      return error.kind === 'permanent' ? editors : null;
    }
    return editors;
  }

  /** Where the default is one variation, it is pointed at the one that says what is wanted; else what is served is written over. */
  async restore(served: Served, request: RestoreRequest, signal: AbortSignal): Promise<unknown> {
    const { config, targeting } = served;
    const part = request.expect?.part;
    const wanted = config.variations.find((each) => canonicalBody(bodyOf(each)) === canonicalBody(request.body));
    if (part === undefined && wanted !== undefined) {
      const instructions = [{ kind: 'updateFallthroughVariationOrRollout', variationId: wanted.id }];
      return this.#api.get(z.unknown(), `${this.#pathOf(config.key)}/targeting`, {
        method: 'PATCH',
        headers: { 'content-type': SEMANTIC_PATCH },
        body: { environmentKey: this.#environment, comment: `Restored to version ${request.version}`, instructions },
        signal,
      });
    }
    const ids = servedVariations(targeting, this.#environment).map(({ id }) => id);
    const found = config.variations.find(
      ({ id, key }) => (part === undefined && id === ids[0]) || (ids.includes(id) && key === part),
    );
    if (found === undefined) throw noSuchVersion(config.key, request);
    const { body } = request;
    return this.#api.get(z.unknown(), `${this.#pathOf(config.key)}/variations/${encodeURIComponent(found.key)}`, {
      method: 'PATCH',
      body: {
        ...(body.kind === 'text' ? { instructions: body.text } : { messages: body.messages }),
        ...modelWith(found, request.settings),
      },
      signal,
    });
  }

  #pathOf(key: string): string {
    return `${this.#root}/${encodeURIComponent(key)}`;
  }
}

function bodyOf({ messages, instructions }: Variation): PromptBody {
  return typeof instructions === 'string' && instructions !== '' ? textBody(instructions) : chatBody(messages ?? []);
}

/** Only where settings are to be other than they are. */
function modelWith({ model }: Variation, { model: modelName, parameters }: PromptSettings): object {
  const changed = {
    ...model,
    ...(modelName === undefined ? {} : { modelName }),
    ...(parameters === undefined
      ? {}
      : { parameters: { ...(model?.parameters as object | undefined), ...parameters } }),
  };
  return JSON.stringify(changed) === JSON.stringify(model ?? {}) ? {} : { model: changed };
}

/** `X-LD-Signature: <hex HMAC-SHA256 of the body>`; the body is an entry of the audit log. */
function webhook(config: Config, webhookSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  const place = { project: config.project, environment: config.environment_key };
  return {
    receive: async (request, targets) => {
      const signature = request.headers['x-ld-signature'] ?? '';
      requireSignature([signature], hmacHex('sha256', webhookSecret, request.body));
      const entry = AuditEntry.safeParse(pushedJson(request));
      replays.refuse(request, entry.success ? entry.data.date : null);
      if (!entry.success) return [];
      return targets.filter((target) => isAbout(entry.data, place, target.config.key)).map((target) => target.id);
    },
  };
}
