/** Prompts in Opik at their latest version. Restore is Opik's own: it writes the old content as a new version. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { canonicalBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { bodyFromText } from './lib/chat.ts';
import { noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFromConfig } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://www.comet.com/opik/api'),
  /** Not needed for a local installation. */
  api_key: secret().optional(),
  workspace: z.string().min(1).default('default'),
});

const Target = z.strictObject({
  prompt_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Version = z.object({
  id: z.string(),
  commit: z.string(),
  template: z.string(),
  metadata: z.unknown(),
  created_at: z.string().nullish(),
  created_by: z.string().nullish(),
});
type Version = z.output<typeof Version>;
const Prompt = z.object({ id: z.string(), name: z.string(), latest_version: Version.nullish() });
type Prompt = z.output<typeof Prompt>;
const Prompts = z.object({ content: z.array(z.object({ id: z.string() })), total: z.int() });
const Versions = z.object({ content: z.array(Version), total: z.int() });

const PAGE_SIZE = 100;

export const opik = sourcePlugin({
  type: 'opik',
  summary: 'The latest version of a prompt in Opik, cloud or self-hosted.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:OPIK_API_KEY', workspace: 'acme' },
    targets: [{ prompt_id: '0192c1f0-7c4a-7b9e-8d2f-3a4b5c6d7e8f' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, {
      'comet-workspace': config.workspace,
      ...(config.api_key === undefined ? {} : { authorization: config.api_key }),
    });
    const one = (id: string, signal: AbortSignal) => api.find(Prompt, pathOf(id), { signal });
    /** Pages are numbered from 1. */
    const pages = <Item>(ask: (page: number) => Promise<{ content: readonly Item[]; total: number }>) =>
      allPages<Item>(api.host, async (next) => {
        const page = Number(next ?? 1);
        const { content, total } = await ask(page);
        return { items: content, next: content.length > 0 && page * PAGE_SIZE < total ? page + 1 : null };
      });
    const all = async function* (signal: AbortSignal) {
      const listed = pages((page) =>
        api.get(Prompts, '/v1/private/prompts', { query: { page, size: PAGE_SIZE }, signal }),
      );
      for await (const { id } of listed) {
        const prompt = await one(id, signal);
        if (prompt !== null) yield [id, prompt] as const;
      }
    };
    const place: ByIdPlace<Target, Prompt> = {
      idOf: (target) => target.config.prompt_id,
      one: (id, _target, signal) => one(id, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (id, { name }) => [{ name, target: { prompt_id: id } }]),
      restore: restoreById(
        place,
        { form: 'native', comparesAndSets: false },
        async ({ id }, target, request, signal) => {
          const path = `${pathOf(id)}/versions`;
          const versions = pages((page) => api.get(Versions, path, { query: { page, size: PAGE_SIZE }, signal }));
          let wanted: Version | null = null;
          for await (const version of versions) {
            const isNamed = version.commit === request.sourceVersion;
            if (canonicalBody(bodyOf(version)) === canonicalBody(request.body))
              wanted = isNamed ? version : (wanted ?? version);
          }
          if (wanted === null) throw noSuchVersion(target.id, request);
          return api.get(z.unknown(), `${path}/${encodeURIComponent(wanted.id)}/restore`, {
            method: 'POST',
            body: {},
            signal,
          });
        },
      ),
    };
  },
});

function pathOf(id: string): string {
  return `/v1/private/prompts/${encodeURIComponent(id)}`;
}

/** Chat prompts are kept as the JSON of their messages. */
function bodyOf({ template }: Version): PromptBody {
  return bodyFromText(template) ?? textBody(template);
}

function contentsOf({ latest_version: version }: Prompt): Contents | null {
  if (version === null || version === undefined) return null;
  return [
    {
      body: bodyOf(version),
      ...settingsFromConfig(version.metadata),
      version: version.commit,
      ...(typeof version.created_by === 'string' ? { editedBy: version.created_by } : {}),
      ...editedAt(version.created_at),
    },
  ];
}
