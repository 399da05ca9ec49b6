/** Prompts that a LiteLLM proxy keeps in its database or reads from its configuration, at their latest version. */

import { parseDocument } from 'yaml';
import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { listedHistory, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { readMarked } from './lib/read-marked.ts';
import { secret } from './lib/secret.ts';
import { settingsFromConfig } from './lib/settings.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('http://127.0.0.1:4000'),
  /** A key that may administrate. */
  api_key: secret(),
});

const Target = z.strictObject({
  prompt_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

/** Newer releases give the version apart, older ones as the end of the id: `x.v2`. */
const Spec = z.object({
  prompt_id: z.string(),
  version: z.int().nullish(),
  created_at: z.string().nullish(),
  updated_at: z.string().nullish(),
});
type Spec = z.output<typeof Spec>;
const PromptData = z.record(z.string(), z.unknown());
const Info = z.object({
  prompt_spec: Spec.extend({
    litellm_params: z
      .looseObject({ dotprompt_content: z.string().nullish(), prompt_data: PromptData.nullish() })
      .nullish(),
    prompt_info: z.unknown(),
  }),
  raw_prompt_template: z.object({ content: z.string(), metadata: z.unknown() }).nullish(),
});
type Info = z.output<typeof Info>;
const List = z.object({ prompts: z.array(Spec) });

export const litellm = sourcePlugin({
  type: 'litellm',
  summary: 'A prompt kept by a LiteLLM proxy.',
  config: Config,
  target: Target,
  example: {
    config: { base_url: 'https://litellm.example.com', api_key: 'env:LITELLM_MASTER_KEY' },
    targets: [{ prompt_id: 'intent_classifier' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: `Bearer ${config.api_key}` };
    const api = new Api(context.fetch, config.base_url, headers, { besides: '/prompts/list' });
    const place: ByIdPlace<Target, Info> = {
      idOf: (target) => target.config.prompt_id,
      one: (id, _target, signal) => one(api, id, signal),
      contentsOf,
    };
    const all = async function* (signal: AbortSignal) {
      for (const id of (await list(api, signal)).keys()) {
        const info = await one(api, id, signal);
        if (info !== null) yield [id, info] as const;
      }
    };
    return {
      live: {
        read: (targets, known, signal) =>
          readMarked(
            targets,
            known,
            signal,
            () => changeTimes(api, targets, signal),
            (target, mark) => readOne(api, target, mark, signal),
          ),
      },
      versions: listedHistory(context.name, (signal) => history(api, signal)),
      discover: discoverById(place, all, (id) => [{ name: id, target: { prompt_id: id } }]),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (info, target, request, signal) =>
        write(api, info, target, request, signal),
      ),
    };
  },
});

function pathOf(id: string): string {
  return `/prompts/${encodeURIComponent(id)}`;
}

/** What is listed of each prompt: its latest version, or all of them in older releases. */
async function list(api: Api, signal: AbortSignal): Promise<ReadonlyMap<string, readonly Spec[]>> {
  const { prompts } = await api.get(List, '/prompts/list', { signal });
  return Map.groupBy(prompts, (prompt) => splitVersion(prompt).id);
}

/** The last change of a prompt; null where that is not told. */
function changedAt(listed: readonly Spec[]): string | null {
  const times = listed.flatMap((spec) => spec.updated_at ?? []);
  if (times.length < listed.length) return null;
  return times.reduce<string | null>((latest, at) => (latest === null || latest < at ? at : latest), null);
}

async function changeTimes(api: Api, targets: readonly SourceTarget<Target>[], signal: AbortSignal) {
  const listed = await list(api, signal);
  return new Map(
    targets.flatMap(({ id, config }) => {
      const at = changedAt(listed.get(config.prompt_id) ?? []);
      return at === null ? [] : [[id, at] as const];
    }),
  );
}

/** `cursor`: of a prompt that is in the list. */
async function readOne(
  api: Api,
  target: SourceTarget<Target>,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Reading> {
  const id = target.config.prompt_id;
  const info = cursor === null ? await one(api, id, signal) : await api.get(Info, `${pathOf(id)}/info`, { signal });
  if (info === null) return { outcome: 'missing', target: target.id, reason: `There is no ${id}.` };
  const contents = contentsOf(info);
  if (contents === null) {
    const reason = `${id} is kept by another tool, and LiteLLM does not tell its text.`;
    return { outcome: 'unreachable', target: target.id, reason };
  }
  return { outcome: 'held', target: target.id, contents, ...(cursor === null ? {} : { cursor }) };
}

async function one(api: Api, id: string, signal: AbortSignal): Promise<Info | null> {
  const versions = await api.find(List, `${pathOf(id)}/versions`, { signal });
  // A prompt that is not there is 404 among the versions and 400 here. Releases without versions say
  // 404 above to everybody; here they say 403 to a key that may not see it.
  const absent = versions === null ? { absentStatus: 400 } : {};
  return api.find(Info, `${pathOf(id)}/info`, { signal, ...absent });
}

function splitVersion({ prompt_id: told, version }: Spec): { readonly id: string; readonly version: string | null } {
  const match = /^(.*)\.v(\d+)$/.exec(told);
  const number = typeof version === 'number' ? String(version) : (match?.[2] ?? null);
  return { id: match?.[1] ?? told, version: number };
}

function contentsOf({ prompt_spec: spec, raw_prompt_template: template }: Info): Contents | null {
  if (template === null || template === undefined) return null;
  const { version } = splitVersion(spec);
  return [
    {
      body: textBody(template.content),
      ...settingsFromConfig(template.metadata),
      ...(version === null ? {} : { version }),
      ...editedAt(spec.updated_at),
    },
  ];
}

async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for (const [id, listed] of await list(api, signal)) {
    const versions = async () => {
      const told = await api.find(List, `${pathOf(id)}/versions`, { signal });
      return (told?.prompts ?? listed)
        .map((spec) => ({ version: splitVersion(spec).version ?? '1', spec }))
        .toSorted((a, b) => Number(a.version) - Number(b.version))
        .map(({ version, spec }) => ({
          version,
          contents: () => readVersion(api, id, version, spec, signal),
        }));
    };
    yield { id, name: id, changedAt: changedAt(listed), versions };
  }
}

async function readVersion(
  api: Api,
  id: string,
  version: string,
  listed: Spec,
  signal: AbortSignal,
): Promise<readonly ToldContent[]> {
  const path = `${pathOf(`${id}.v${version}`)}/info`;
  const info = await api.find(Info, path, { signal });
  const [content] = info === null ? [] : (contentsOf(info) ?? []);
  // For a version that is not there it gives the latest.
  if (content === undefined || (content.version ?? '1') !== version) return [];
  const { body, settings } = content;
  return [{ body, format: 'jinja2', settings, at: timeFrom(listed.created_at), url: api.addressOf(path) }];
}

/** Writes a new version in the form that the prompt has: `.prompt` text from its user interface, or JSON. */
async function write(
  api: Api,
  { prompt_spec: { litellm_params: params, prompt_info: info } }: Info,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const id = target.config.prompt_id;
  const content = singleText(request.body, target.id);
  const { model, tools, parameters } = request.settings;
  const changes = {
    ...parameters,
    ...(model === undefined ? {} : { model }),
    ...(tools === undefined ? {} : { tools }),
  };
  const form = formWith(params?.dotprompt_content ?? null, params?.prompt_data ?? null, content, changes);
  if (form === null) {
    throw new Fault('permanent', `${id} is not kept in LiteLLM's database.`, {
      hint: 'Change it where it is kept: in the configuration, a file or another tool.',
    });
  }
  const body = { prompt_id: id, litellm_params: { ...params, ...form }, prompt_info: info };
  await api.get(z.unknown(), pathOf(id), { method: 'PUT', body, signal });
}

function formWith(
  dotprompt: string | null,
  data: z.output<typeof PromptData> | null,
  content: string,
  changes: Readonly<Record<string, unknown>>,
): object | null {
  if (data !== null) {
    // One template, or several by their ids, of which the proxy serves one.
    const [key] = 'content' in data ? [] : Object.keys(data);
    const before = PromptData.safeParse(key === undefined ? data : data[key]).data ?? {};
    const template = { ...before, content, metadata: { ...(before['metadata'] as object | undefined), ...changes } };
    return { prompt_data: key === undefined ? template : { ...data, [key]: template } };
  }
  if (dotprompt === null) return null;
  const front = parseDocument(FRONT_MATTER.exec(dotprompt)?.[1] ?? '{}');
  for (const [name, value] of Object.entries(changes)) front.set(name, value);
  return { dotprompt_content: `---\n${front.toString({ lineWidth: 0 }).trimEnd()}\n---\n${content}` };
}

const FRONT_MATTER = /^---\s*\n([\s\S]*?)\n---\s*\n/;
