/** Prompt templates behind a release label in PromptLayer. The label is the pointer; restore moves it back. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { bodyFrom } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.promptlayer.com'),
  api_key: secret(),
  label: z.string().min(1).default('prod'),
});

const Target = z.strictObject({
  /** Name or id of the template. Absent: the name the prompt has here. */
  name: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Part = z.looseObject({ type: z.string().nullish(), text: z.string().nullish() });
const Template = z.object({
  id: z.int(),
  prompt_name: z.string(),
  version: z.int(),
  prompt_template: z.union([
    z.looseObject({
      type: z.literal('chat'),
      messages: z.array(z.looseObject({ role: z.string(), content: z.array(Part).nullish() })),
      functions: z.array(z.unknown()).nullish(),
      tools: z.array(z.unknown()).nullish(),
    }),
    z.looseObject({ type: z.literal('completion'), content: z.array(Part) }),
  ]),
  metadata: z
    .looseObject({ model: z.looseObject({ name: z.string().nullish(), parameters: z.unknown() }).nullish() })
    .nullish(),
  created_at: z.string().nullish(),
  snippets: z.array(z.unknown()).nullish(),
});
type Template = z.output<typeof Template>;
const Page = z.object({ items: z.array(z.object({ prompt_name: z.string() })), has_next: z.boolean(), page: z.int() });
const Labels = z.object({
  release_labels: z.array(
    z.object({ release_label: z.string(), release_label_id: z.int(), prompt_version_number: z.int() }),
  ),
});

export const promptlayer = sourcePlugin({
  type: 'promptlayer',
  summary: 'The template version behind a release label in PromptLayer.',
  config: Config,
  target: Target,
  example: { config: { api_key: 'env:PROMPTLAYER_API_KEY', label: 'prod' }, targets: [{ name: 'intent-classifier' }] },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, { 'x-api-key': config.api_key });
    const labelOf = (target: SourceTarget<Target>): string => target.config.label ?? config.label;
    const find = (name: string, query: { label?: string; version?: number }, resolve: boolean, signal: AbortSignal) =>
      api.find(Template, pathOf(name), {
        query: { ...query, resolve_snippets: resolve, include_llm_kwargs: false },
        signal,
      });

    const readOne = async (target: SourceTarget<Target>, signal: AbortSignal): Promise<Reading> => {
      const label = labelOf(target);
      const template = await find(nameOf(target), { label }, false, signal);
      if (template === null) {
        return { outcome: 'missing', target: target.id, reason: `${nameOf(target)} has no release label ${label}.` };
      }
      const content = contentOf(template, label);
      const isWhole = (template.snippets ?? []).length === 0;
      const resolved = isWhole ? null : await find(nameOf(target), { label }, true, signal);
      const contents = [resolved === null ? content : { ...content, resolved: bodyOf(resolved) }] as const;
      return { outcome: 'held', target: target.id, contents };
    };

    return {
      live: { read: (targets, _known, signal) => readEach(targets, signal, (target) => readOne(target, signal)) },
      discover: {
        discover: async function* (signal) {
          const { label } = config;
          const listed = allPages<{ prompt_name: string }>(api.host, async (next) => {
            const query = { page: Number(next ?? 1), per_page: 100, label };
            const { items, has_next: more, page } = await api.get(Page, '/prompt-templates', { query, signal });
            return { items, next: more ? page + 1 : null };
          });
          for await (const { prompt_name: name } of listed) {
            const template = await find(name, { label }, false, signal);
            if (template !== null) yield { name, target: { name }, content: contentOf(template, label) };
          }
        },
      },
      restore: {
        form: 'pointer',
        comparesAndSets: false,
        restore: (target, request, signal) =>
          rewrite(
            target.id,
            request,
            () => readOne(target, signal),
            async () => {
              const { release_labels: labels } = await api.get(Labels, `${pathOf(nameOf(target))}/labels`, { signal });
              const label = labels.find((each) => each.release_label === labelOf(target));
              const newest = await find(nameOf(target), {}, false, signal);
              const versions = Array.from({ length: newest?.version ?? 0 }, (_, index) =>
                String((newest?.version ?? 0) - index),
              );
              const wanted = await findVersion(request, versions, async (version) => {
                const template = await find(nameOf(target), { version: Number(version) }, false, signal);
                return template === null ? null : { version: template.version, body: bodyOf(template) };
              });
              if (wanted === null || label === undefined) throw noSuchVersion(target.id, request);
              const body = { prompt_version_number: wanted };
              await api.get(z.unknown(), `/prompt-labels/${label.release_label_id}`, { method: 'PATCH', body, signal });
            },
          ),
      },
    };
  },
});

function nameOf(target: SourceTarget<Target>): string {
  return target.config.name ?? target.prompt;
}

function pathOf(name: string): string {
  return `/prompt-templates/${encodeURIComponent(name)}`;
}

function bodyOf({ prompt_template: template }: Template): PromptBody {
  if (template.type === 'chat')
    return bodyFrom(template.messages.map(({ role, content }) => ({ role, content: content ?? [] }))) ?? chatBody([]);
  return textBody(template.content.map((part) => part.text ?? '').join(''));
}

function contentOf(template: Template, label: string): LiveContent {
  const { prompt_template: prompt, metadata } = template;
  const tools = prompt.type === 'chat' ? (prompt.tools ?? prompt.functions) : null;
  return {
    body: bodyOf(template),
    ...settingsFrom({ model: metadata?.model?.name, parameters: metadata?.model?.parameters, tools }),
    pointer: { name: label, value: String(template.version) },
    version: String(template.version),
    ...editedAt(template.created_at),
  };
}
