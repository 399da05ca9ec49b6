/**
 * AI Configs in LaunchDarkly: the variation that an environment serves by default, or all of them
 * while traffic is split. Targeting is the pointer; what single rules serve is not read.
 */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Source } from '../src/contract/source.ts';
import { canonicalBody, chatBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://app.launchdarkly.com'),
  api_key: secret(),
  project: z.string().min(1),
  /** LaunchDarkly's key of the environment. */
  environment_key: z.string().min(1).default('production'),
});

const Target = z.strictObject({
  /** Key of the AI Config. */
  key: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Variation = z
  .object({
    _id: z.string(),
    key: z.string(),
    version: z.int(),
    messages: z.array(z.object({ role: z.string(), content: z.string() })).nullish(),
    instructions: z.string().nullish(),
    model: z.looseObject({ modelName: z.string().nullish(), parameters: z.unknown() }).nullish(),
    tools: z.array(z.unknown()).nullish(),
    /** Of this version of the variation. */
    createdAt: z.number().nullish(),
  })
  .transform(({ _id: id, ...rest }) => ({ ...rest, id }));
type Variation = z.output<typeof Variation>;
const AiConfig = z.object({ key: z.string(), name: z.string(), variations: z.array(Variation) });
const Configs = z.object({ items: z.array(z.object({ key: z.string() })), totalCount: z.int() });
const Fallthrough = z.object({
  variation: z.int().nullish(),
  rollout: z.object({ variations: z.array(z.object({ variation: z.int(), weight: z.number() })) }).nullish(),
});
const Targeting = z.object({
  variations: z.array(z.object({ _id: z.string() }).transform(({ _id: id }) => ({ id }))),
  environments: z.record(
    z.string(),
    z.object({ enabled: z.boolean(), fallthrough: Fallthrough.nullish(), lastModified: z.number().nullish() }),
  ),
});
interface Served {
  readonly config: z.output<typeof AiConfig>;
  readonly targeting: z.output<typeof Targeting>;
}

// Weights are thousandths of a percent.
const FULL_WEIGHT = 100_000;
const PAGE_SIZE = 50;
const SEMANTIC_PATCH = 'application/json; domain-model=launchdarkly.semanticpatch';

export const launchdarkly = sourcePlugin({
  type: 'launchdarkly',
  summary: 'The variation of an AI Config that an environment serves in LaunchDarkly.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:LAUNCHDARKLY_API_KEY', project: 'default', environment_key: 'production' },
    targets: [{ key: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const environment = config.environment_key;
    const api = new Api(context.fetch, config.base_url, { authorization: config.api_key, 'ld-api-version': 'beta' });
    const root = `/api/v2/projects/${encodeURIComponent(config.project)}/ai-configs`;
    const one = async (key: string, signal: AbortSignal): Promise<Served | null> => {
      const path = `${root}/${encodeURIComponent(key)}`;
      const found = await api.find(AiConfig, path, { signal });
      return found === null
        ? null
        : { config: found, targeting: await api.get(Targeting, `${path}/targeting`, { signal }) };
    };
    const all = async function* (signal: AbortSignal) {
      const listed = allPages<{ key: string }>(api.host, async (next) => {
        const offset = Number(next ?? 0);
        const { items, totalCount } = await api.get(Configs, root, { query: { limit: PAGE_SIZE, offset }, signal });
        const end = offset + items.length;
        return { items, next: items.length > 0 && end < totalCount ? end : null };
      });
      for await (const { key } of listed) {
        const served = await one(key, signal);
        if (served !== null) yield [key, served] as const;
      }
    };
    const place: ByIdPlace<Target, Served> = {
      idOf: (target) => target.config.key,
      one: (key, _target, signal) => one(key, signal),
      contentsOf: (served) => contentsOf(served, environment),
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (key) => [{ name: key, target: { key } }]),
      restore: restoreById(
        place,
        { form: 'pointer', comparesAndSets: false },
        async (served, target, request, signal) => {
          const wanted = served.config.variations.find(
            (each) => canonicalBody(bodyOf(each)) === canonicalBody(request.body),
          );
          if (wanted === undefined)
            return rewriteVariation(
              api,
              `${root}/${encodeURIComponent(target.config.key)}`,
              served,
              environment,
              request,
              signal,
            );
          const instructions = [{ kind: 'updateFallthroughVariationOrRollout', variationId: wanted.id }];
          return api.get(z.unknown(), `${root}/${encodeURIComponent(target.config.key)}/targeting`, {
            method: 'PATCH',
            headers: { 'content-type': SEMANTIC_PATCH },
            body: { environmentKey: environment, comment: `Restored to version ${request.version}`, instructions },
            signal,
          });
        },
      ),
    };
  },
});

/** What the environment serves when no rule matches, with the share of each variation. */
function servedVariations({ config, targeting }: Served, environment: string) {
  const { enabled, fallthrough } = targeting.environments[environment] ?? {};
  // Switched off, an application falls back to what is in its own code.
  if (enabled !== true) return [];
  const weights =
    fallthrough?.rollout?.variations.filter(({ weight }) => weight > 0) ??
    (typeof fallthrough?.variation === 'number' ? [{ variation: fallthrough.variation, weight: FULL_WEIGHT }] : []);
  return weights.flatMap(({ variation: index, weight }) => {
    const id = targeting.variations[index]?.id;
    const variation = config.variations.find((each) => each.id === id);
    return variation === undefined ? [] : [{ variation, share: weight / FULL_WEIGHT }];
  });
}

function contentsOf(served: Served, environment: string): Contents | null {
  const variations = servedVariations(served, environment);
  const { lastModified } = served.targeting.environments[environment] ?? {};
  const contents = variations.map(({ variation, share }): LiveContent => {
    const { key, version, model, tools } = variation;
    return {
      body: bodyOf(variation),
      ...settingsFrom({ model: model?.modelName, parameters: model?.parameters, tools }),
      pointer: { name: environment, value: key },
      version: `${key}.${version}`,
      ...(variations.length > 1 ? { part: key, share } : {}),
      // Either the text was changed last, or what is served.
      ...editedAt(Math.max(lastModified ?? 0, variation.createdAt ?? 0)),
    };
  });
  const [first, ...others] = contents;
  return first === undefined ? null : [first, ...others];
}

function bodyOf({ messages, instructions }: Variation): PromptBody {
  return typeof instructions === 'string' && instructions !== '' ? textBody(instructions) : chatBody(messages ?? []);
}

/** No variation says what is wanted: the one that is served is written over, as a new version of it. */
async function rewriteVariation(
  api: Api,
  path: string,
  served: Served,
  environment: string,
  request: Parameters<typeof noSuchVersion>[1],
  signal: AbortSignal,
): Promise<unknown> {
  const part = request.expect?.part;
  const found = servedVariations(served, environment).find(
    ({ variation }) => part === undefined || variation.key === part,
  );
  if (found === undefined) throw noSuchVersion(served.config.key, request);
  const body = request.body.kind === 'text' ? { instructions: request.body.text } : { messages: request.body.messages };
  return api.get(z.unknown(), `${path}/variations/${encodeURIComponent(found.variation.key)}`, {
    method: 'PATCH',
    body,
    signal,
  });
}
