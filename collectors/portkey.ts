/** Prompts in Portkey at their default version. The default is the pointer; restore makes another version the default. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { bodyFrom, bodyFromText } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { listedHistory, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.portkey.ai/v1'),
  api_key: secret(),
});

const Target = z.strictObject({
  /** Slug or id of the prompt. */
  slug: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Prompt = z.object({
  slug: z.string().nullish(),
  name: z.string(),
  string: z.string(),
  parameters: z.unknown(),
  model: z.string().nullish(),
  tools: z.array(z.unknown()).nullish(),
  prompt_version: z.number(),
  last_updated_at: z.string().nullish(),
});
type Prompt = z.output<typeof Prompt>;
const Listed = z.object({
  slug: z.string(),
  name: z.string(),
  created_at: z.string().nullish(),
  last_updated_at: z.string().nullish(),
});
type Listed = z.output<typeof Listed>;
const Prompts = z.object({ data: z.array(Listed), total: z.int().nullish() });
const Version = z.object({
  id: z.string(),
  prompt_version: z.number(),
  // A text, or the same as JSON.
  prompt_template: z.unknown(),
  created_at: z.string().nullish(),
});
const Versions = z.union([z.array(Version), z.object({ data: z.array(Version) }).transform(({ data }) => data)]);

const PAGE_SIZE = 100;

export const portkey = sourcePlugin({
  type: 'portkey',
  summary: 'The default version of a prompt in Portkey.',
  config: Config,
  target: Target,
  example: { config: { api_key: 'env:PORTKEY_API_KEY' }, targets: [{ slug: 'pp-intent-classifier-1a2b3c' }] },
  create: (config, context): Source<Target> => {
    const headers = { 'x-portkey-api-key': config.api_key };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: '/prompts',
      question: { query: { current_page: 0, page_size: 1 } },
    });
    const one = (slug: string, signal: AbortSignal) => api.find(Prompt, pathOf(slug), { signal });
    const all = async function* (signal: AbortSignal) {
      // The list leaves the text out.
      for await (const { slug } of list(api, signal)) {
        const prompt = await one(slug, signal);
        if (prompt !== null) yield [slug, prompt] as const;
      }
    };
    const place: ByIdPlace<Target, Prompt> = {
      idOf: (target) => target.config.slug,
      one: (slug, _target, signal) => one(slug, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      versions: listedHistory(context.name, (signal) => history(api, signal)),
      discover: discoverById(place, all, (slug, { name }) => [{ name, target: { slug } }]),
      restore: restoreById(
        place,
        { form: 'pointer', comparesAndSets: false },
        async (_prompt, target, request, signal) => {
          const path = pathOf(target.config.slug);
          const versions = await api.get(Versions, `${path}/versions`, { signal });
          const bodies = new Map(versions.map((each) => [String(each.prompt_version), bodyIn(each.prompt_template)]));
          const newestFirst = [...bodies.keys()].toSorted((a, b) => Number(b) - Number(a));
          const wanted = await findVersion(request, newestFirst, async (version) => {
            const body = bodies.get(version);
            return body === undefined ? null : { version, body };
          });
          if (wanted === null) throw noSuchVersion(target.id, request);
          return api.get(z.unknown(), `${path}/makeDefault`, {
            method: 'PUT',
            body: { version: Number(wanted) },
            signal,
          });
        },
      ),
    };
  },
});

function pathOf(slug: string): string {
  return `/prompts/${encodeURIComponent(slug)}`;
}

function list(api: Api, signal: AbortSignal): AsyncIterable<Listed> {
  return allPages<Listed>(api.host, async (next) => {
    const page = Number(next ?? 0);
    const query = { current_page: page, page_size: PAGE_SIZE };
    const { data, total } = await api.get(Prompts, '/prompts', { query, signal });
    return { items: data, next: data.length > 0 && (page + 1) * PAGE_SIZE < (total ?? 0) ? page + 1 : null };
  });
}

/** The list of versions leaves the model out, and a version never changes: each is asked for once. */
async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const { slug, name, created_at: createdAt, last_updated_at: changedAt } of list(api, signal)) {
    const versions = async () => {
      const listed = await api.get(Versions, `${pathOf(slug)}/versions`, { signal });
      return listed
        .toSorted((a, b) => a.prompt_version - b.prompt_version)
        .map(({ id, prompt_version: version, created_at: at }) => ({
          version: String(version),
          contents: () => readVersion(api, `${pathOf(slug)}/versions/${encodeURIComponent(id)}`, at, signal),
        }));
    };
    yield { id: slug, name, createdAt, changedAt, versions };
  }
}

async function readVersion(
  api: Api,
  path: string,
  at: string | null | undefined,
  signal: AbortSignal,
): Promise<readonly ToldContent[]> {
  const found = await api.find(Prompt, path, { signal });
  if (found === null) return [];
  const { string, model, parameters, tools } = found;
  const { settings } = settingsFrom({ model, parameters, tools });
  return [{ body: bodyOf(string), format: 'mustache', settings, at: timeFrom(at), url: api.addressOf(path) }];
}

function bodyIn(template: unknown): PromptBody {
  return typeof template === 'string' ? bodyOf(template) : (bodyFrom(template) ?? textBody(JSON.stringify(template)));
}

/** Chat prompts are kept as the JSON of their messages. */
function bodyOf(template: string): PromptBody {
  return bodyFromText(template) ?? textBody(template);
}

function contentsOf(prompt: Prompt): Contents {
  const version = String(prompt.prompt_version);
  const { model, parameters, tools } = prompt;
  return [
    {
      body: bodyOf(prompt.string),
      ...settingsFrom({ model, parameters, tools }),
      pointer: { name: 'default', value: version },
      version,
      ...editedAt(prompt.last_updated_at),
    },
  ];
}
