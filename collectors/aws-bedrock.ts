/** Prompts of Amazon Bedrock's prompt management: one variant of a version, or of the draft. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget } from '../src/contract/source.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { discoverById, readById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { listedHistory, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { readMarked } from './lib/read-marked.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject(awsConfig);

const Target = z.strictObject({
  /** Id or ARN. */
  prompt_id: z.string().min(1),
  version: z.string().min(1).default('DRAFT'),
  /** Absent: the default one. */
  variant: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Blocks = z.array(z.looseObject({ text: z.string().nullish() }));
const Variant = z.looseObject({
  name: z.string(),
  templateConfiguration: z.union([
    z.object({ text: z.looseObject({ text: z.string() }) }),
    z.object({
      chat: z.looseObject({
        messages: z.array(z.looseObject({ role: z.string(), content: Blocks })),
        system: Blocks.nullish(),
      }),
    }),
  ]),
  modelId: z.string().nullish(),
  inferenceConfiguration: z.object({ text: z.unknown() }).nullish(),
});
type Variant = z.output<typeof Variant>;
const Prompt = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  customerEncryptionKeyArn: z.string().nullish(),
  defaultVariant: z.string().nullish(),
  variants: z.array(Variant).default([]),
  version: z.string(),
  createdAt: z.string().nullish(),
  updatedAt: z.string().nullish(),
});
type Prompt = z.output<typeof Prompt>;
const Summary = z.object({
  id: z.string(),
  name: z.string(),
  arn: z.string().nullish(),
  version: z.string(),
  createdAt: z.string().nullish(),
  updatedAt: z.string().nullish(),
});
type Summary = z.output<typeof Summary>;
const Prompts = z.object({ promptSummaries: z.array(Summary), nextToken: z.string().nullish() });

const DRAFT = 'DRAFT';

export const awsBedrock = sourcePlugin({
  type: 'aws-bedrock',
  summary: 'A variant of a prompt in Amazon Bedrock prompt management.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      access_key_id: 'env:AWS_ACCESS_KEY_ID',
      secret_access_key: 'env:AWS_SECRET_ACCESS_KEY',
    },
    targets: [{ prompt_id: 'PROMPT12345', version: 'DRAFT' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 'bedrock', 'bedrock-agent');
    const place: ByIdPlace<Target, Prompt> = {
      idOf: (target) => target.config.prompt_id,
      one: (id, target, signal) => find(aws, id, target.config.version, signal),
      contentsOf,
    };
    return {
      live: {
        read: (targets, known, signal) =>
          readMarked(
            targets,
            known,
            signal,
            () => draftTimes(aws, targets, signal),
            async (target, cursor) => {
              const reading = await readById(place, target, signal);
              return reading.outcome === 'held' && cursor !== null ? { ...reading, cursor } : reading;
            },
          ),
      },
      versions: listedHistory(context.name, (signal) => history(aws, signal)),
      discover: discoverById(
        place,
        (signal) => drafts(aws, signal),
        (id, prompt) =>
          prompt.variants.map(({ name }) => ({
            name: nameOf(prompt, name),
            target: { prompt_id: id, version: DRAFT, ...(name === defaultOf(prompt)?.name ? {} : { variant: name }) },
          })),
      ),
      restore: restoreById(
        place,
        { form: 'write', comparesAndSets: false },
        async (prompt, target, request, signal) => {
          if (target.config.version !== DRAFT) {
            throw new Fault('permanent', `Version ${target.config.version} of ${target.id} never changes.`, {
              hint: 'Point the application at another version.',
            });
          }
          const { name, description, customerEncryptionKeyArn, defaultVariant, variants } = prompt;
          const changed = variants.map((variant) =>
            variant === variantOf(prompt, target) ? { ...variant, ...templateOf(variant, request.body) } : variant,
          );
          const body = JSON.stringify({
            name,
            description: description ?? undefined,
            customerEncryptionKeyArn: customerEncryptionKeyArn ?? undefined,
            defaultVariant,
            variants: changed,
          });
          const answer = await aws.ask({
            method: 'PUT',
            path: pathOf(prompt.id),
            headers: { 'content-type': 'application/json' },
            body,
            signal,
          });
          if (answer.outcome === 'refused') throw aws.fault(answer);
        },
      ),
    };
  },
});

function pathOf(id: string): string {
  return `/prompts/${encodeURIComponent(id)}/`;
}

async function find(aws: Aws, id: string, version: string, signal: AbortSignal): Promise<Prompt | null> {
  // The draft is what is read when no version is named.
  const query: Record<string, string> = version === DRAFT ? {} : { promptVersion: version };
  const answer = await aws.ask({ path: pathOf(id), query, signal });
  if (answer.outcome === 'refused' && answer.code === 'ResourceNotFoundException') return null;
  if (answer.outcome === 'refused') throw aws.fault(answer);
  return aws.shaped(Prompt, answer.outcome === 'ok' ? answer.text : '');
}

/** The drafts of all prompts, or the draft and the versions of one. */
function list(aws: Aws, of: { readonly promptIdentifier?: string }, signal: AbortSignal): AsyncIterable<Summary> {
  return allPages<Summary>(aws.host, async (token) => {
    const query = { ...of, maxResults: '100', ...(token === null ? {} : { nextToken: token }) };
    const answer = await aws.ask({ path: '/prompts/', query, signal });
    if (answer.outcome === 'refused') throw aws.fault(answer);
    const { promptSummaries, nextToken } = aws.shaped(Prompts, answer.outcome === 'ok' ? answer.text : '');
    return { items: promptSummaries, next: nextToken };
  });
}

/** When each draft last changed. What a version says never changes; that it is still there must be asked. */
async function draftTimes(aws: Aws, targets: readonly SourceTarget<Target>[], signal: AbortSignal) {
  const listed = await Array.fromAsync(list(aws, {}, signal));
  const times = new Map(
    listed.flatMap(({ id, arn, updatedAt }) => [id, arn].map((name) => [name, updatedAt] as const)),
  );
  return new Map(
    targets.flatMap(({ id, config }) => {
      const at = config.version === DRAFT ? times.get(config.prompt_id) : null;
      return typeof at === 'string' ? [[id, at] as const] : [];
    }),
  );
}

async function* drafts(aws: Aws, signal: AbortSignal) {
  for await (const { id } of list(aws, {}, signal)) {
    const prompt = await find(aws, id, DRAFT, signal);
    if (prompt !== null) yield [id, prompt] as const;
  }
}

/**
 * A new version need not touch the draft, so the versions of each prompt are listed every time; what
 * a version says never changes, so each is read once. Its variants are prompts of their own.
 */
async function* history(aws: Aws, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const { id, name, createdAt } of list(aws, {}, signal)) {
    const listed = (await Array.fromAsync(list(aws, { promptIdentifier: id }, signal)))
      .filter(({ version }) => version !== DRAFT)
      .toSorted((a, b) => Number(a.version) - Number(b.version));
    const versions = () =>
      Promise.resolve(
        listed.map(({ version }) => ({ version, contents: () => readVersion(aws, id, version, signal) })),
      );
    yield { id, name, createdAt, changedAt: listed.at(-1)?.createdAt, versions };
  }
}

async function readVersion(
  aws: Aws,
  id: string,
  version: string,
  signal: AbortSignal,
): Promise<readonly ToldContent[]> {
  const prompt = await find(aws, id, version, signal);
  if (prompt === null) return [];
  return prompt.variants.map((variant) => ({
    ...(variant.name === defaultOf(prompt)?.name ? {} : { part: variant.name }),
    body: bodyOf(variant),
    format: 'mustache',
    settings: settingsOf(variant).settings,
    at: timeFrom(prompt.createdAt),
    url: `https://${aws.host}${pathOf(id)}?promptVersion=${version}`,
  }));
}

/** The default variant has the name of its prompt, so that one more variant renames nothing. */
function nameOf(prompt: Prompt, variant: string): string {
  return variant === defaultOf(prompt)?.name ? prompt.name : `${prompt.name}.${variant}`;
}

function defaultOf(prompt: Prompt): Variant | undefined {
  return prompt.variants.find(({ name }) => name === prompt.defaultVariant) ?? prompt.variants[0];
}

function settingsOf({ modelId, inferenceConfiguration }: Variant) {
  return settingsFrom({ model: modelId, parameters: inferenceConfiguration?.text });
}

function variantOf(prompt: Prompt, target: SourceTarget<Target>): Variant | undefined {
  const { variant } = target.config;
  return variant === undefined ? defaultOf(prompt) : prompt.variants.find(({ name }) => name === variant);
}

function contentsOf(prompt: Prompt, target: SourceTarget<Target>): Contents | null {
  const variant = variantOf(prompt, target);
  if (variant === undefined) return null;
  return [
    {
      body: bodyOf(variant),
      ...settingsOf(variant),
      version: prompt.version,
      ...editedAt(prompt.updatedAt),
    },
  ];
}

function bodyOf({ templateConfiguration: template }: Variant): PromptBody {
  if ('text' in template) return textBody(template.text.text);
  const system = template.chat.system ?? [];
  const messages = [...(system.length === 0 ? [] : [{ role: 'system', content: system }]), ...template.chat.messages];
  return chatBody(
    messages.map(({ role, content }) => ({ role, content: content.map((block) => block.text ?? '').join('') })),
  );
}

function templateOf({ templateConfiguration: before }: Variant, body: PromptBody): object {
  if (body.kind === 'text') {
    const text = { ...('text' in before ? before.text : {}), text: body.text };
    return { templateType: 'TEXT', templateConfiguration: { text } };
  }
  const messages = body.messages.filter(({ role }) => role !== 'system');
  const system = body.messages.filter(({ role }) => role === 'system').map(({ content }) => ({ text: content }));
  const chat = {
    ...('chat' in before ? before.chat : {}),
    messages: messages.map(({ role, content }) => ({ role, content: [{ text: content }] })),
    system,
  };
  return { templateType: 'CHAT', templateConfiguration: { chat } };
}
