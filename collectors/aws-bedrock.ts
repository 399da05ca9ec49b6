/** Prompts of Amazon Bedrock's prompt management: one variant of a version, or of the draft. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget } from '../src/contract/source.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { allPages } from './lib/pages.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

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
  updatedAt: z.string().nullish(),
});
type Prompt = z.output<typeof Prompt>;
const Prompts = z.object({ promptSummaries: z.array(z.object({ id: z.string() })), nextToken: z.string().nullish() });

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
      live: liveById(place),
      discover: discoverById(
        place,
        (signal) => list(aws, signal),
        (id, { name, variants }) =>
          variants.length < 2
            ? [{ name, target: { prompt_id: id, version: 'DRAFT' } }]
            : variants.map((variant) => ({
                name: `${name}.${variant.name}`,
                target: { prompt_id: id, version: 'DRAFT', variant: variant.name },
              })),
      ),
      restore: restoreById(
        place,
        { form: 'write', comparesAndSets: false },
        async (prompt, target, request, signal) => {
          if (target.config.version !== 'DRAFT') {
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
  const query: Record<string, string> = version === 'DRAFT' ? {} : { promptVersion: version };
  const answer = await aws.ask({ path: pathOf(id), query, signal });
  if (answer.outcome === 'refused' && answer.code === 'ResourceNotFoundException') return null;
  if (answer.outcome === 'refused') throw aws.fault(answer);
  return aws.shaped(Prompt, answer.outcome === 'ok' ? answer.text : '');
}

async function* list(aws: Aws, signal: AbortSignal) {
  const summaries = allPages<{ id: string }>(aws.host, async (token) => {
    const query: Record<string, string> =
      token === null ? { maxResults: '100' } : { maxResults: '100', nextToken: token };
    const answer = await aws.ask({ path: '/prompts/', query, signal });
    if (answer.outcome === 'refused') throw aws.fault(answer);
    const { promptSummaries, nextToken } = aws.shaped(Prompts, answer.outcome === 'ok' ? answer.text : '');
    return { items: promptSummaries, next: nextToken };
  });
  for await (const { id } of summaries) {
    const prompt = await find(aws, id, 'DRAFT', signal);
    if (prompt !== null) yield [id, prompt] as const;
  }
}

function variantOf(prompt: Prompt, target: SourceTarget<Target>): Variant | undefined {
  const name = target.config.variant ?? prompt.defaultVariant;
  return (
    prompt.variants.find((variant) => variant.name === name) ??
    (target.config.variant === undefined ? prompt.variants[0] : undefined)
  );
}

function contentsOf(prompt: Prompt, target: SourceTarget<Target>): Contents | null {
  const variant = variantOf(prompt, target);
  if (variant === undefined) return null;
  return [
    {
      body: bodyOf(variant),
      ...settingsFrom({ model: variant.modelId, parameters: variant.inferenceConfiguration?.text }),
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
