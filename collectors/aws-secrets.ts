/** Prompts in secrets of AWS Secrets Manager. The staging label is the pointer; restore moves it back, or writes. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { singleText } from './lib/chat.ts';
import { findVersion } from './lib/find-version.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages } from './lib/pages.ts';
import { proposeTexts, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  ...awsConfig,
  discover: z
    .string()
    .min(1)
    .optional()
    .describe('For `discover`: how the names of the secrets with prompts begin. Others are not read.'),
});

const Target = z.strictObject({
  secret_id: z.string().min(1).describe('Name or ARN.'),
  stage: z.string().min(1).default('AWSCURRENT'),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const Value = z.object({
  SecretString: z.string().nullish(),
  VersionId: z.string(),
  CreatedDate: z.number().nullish(),
});
type Value = z.output<typeof Value>;
const Names = z.object({ SecretList: z.array(z.object({ Name: z.string() })), NextToken: z.string().nullish() });
const Versions = z.object({
  Versions: z.array(z.object({ VersionId: z.string(), CreatedDate: z.number().nullish() })),
});

export const awsSecrets = sourcePlugin({
  type: 'aws-secrets',
  summary: 'A secret of AWS Secrets Manager, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      discover: 'checkout/prompts/',
    },
    targets: [{ secret_id: 'checkout/assistant', field: 'system_prompt' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 'secretsmanager', 'secretsmanager');
    const { discover } = config;
    return {
      ...(discover === undefined ? {} : { discover: proposeTexts((signal) => findTexts(aws, discover, signal)) }),
      live: { read: (targets, _known, signal) => readEach(targets, signal, (target) => readOne(aws, target, signal)) },
      restore: {
        form: 'pointer',
        comparesAndSets: true,
        restore: (target, request, signal) =>
          rewrite(
            target.id,
            request,
            () => readOne(aws, target, signal),
            (now) => write(aws, target, request, now, signal),
          ),
      },
    };
  },
});

async function* findTexts(aws: Aws, prefix: string, signal: AbortSignal): AsyncIterable<FoundText<Target>> {
  const secrets = allPages<{ Name: string }>(aws.host, async (token) => {
    const filter = { Filters: [{ Key: 'name', Values: [prefix] }], MaxResults: 100 };
    const input = token === null ? filter : { ...filter, NextToken: token };
    const answer = await aws.call(Names, 'secretsmanager.ListSecrets', input, signal);
    if (answer.outcome === 'refused') throw aws.fault(answer);
    return { items: answer.value.SecretList, next: answer.value.NextToken };
  });
  for await (const { Name: name } of secrets) {
    // The filter takes no notice of case.
    if (!name.startsWith(prefix)) continue;
    const target = { secret_id: name, stage: 'AWSCURRENT' };
    const reading = await readOne(aws, { id: name, prompt: name, config: target }, signal);
    if (reading.outcome !== 'held') continue;
    const [{ body, ...more }] = reading.contents;
    yield { path: name.slice(prefix.length), target, text: singleText(body, name), more };
  }
}

async function find(aws: Aws, target: SourceTarget<Target>, which: object, signal: AbortSignal): Promise<Value | null> {
  const input = { SecretId: target.config.secret_id, ...which };
  const answer = await aws.call(Value, 'secretsmanager.GetSecretValue', input, signal);
  if (answer.outcome === 'ok') return answer.value;
  if (answer.code === 'ResourceNotFoundException') return null;
  throw aws.fault(answer);
}

async function readOne(aws: Aws, target: SourceTarget<Target>, signal: AbortSignal): Promise<Reading> {
  const { secret_id: name, stage } = target.config;
  const value = await find(aws, target, { VersionStage: stage }, signal);
  return value === null
    ? { outcome: 'missing', target: target.id, reason: `There is no ${name} at ${stage}.` }
    : readingOf(target, value);
}

function readingOf(target: SourceTarget<Target>, value: Value): Reading {
  const { secret_id: name, stage, field } = target.config;
  if (typeof value.SecretString !== 'string')
    return { outcome: 'unreachable', target: target.id, reason: `${name} holds bytes and no text.` };
  return readingOfText(target.id, name, value.SecretString, field, {
    version: value.VersionId,
    pointer: { name: stage, value: value.VersionId },
    ...editedAt(value.CreatedDate),
  });
}

async function write(
  aws: Aws,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  now: LiveContent | null,
  signal: AbortSignal,
): Promise<void> {
  const { secret_id: id, stage, field } = target.config;
  const listed = await aws.call(Versions, 'secretsmanager.ListSecretVersionIds', { SecretId: id }, signal);
  if (listed.outcome === 'refused') throw aws.fault(listed);
  const newestFirst = listed.value.Versions.toSorted((a, b) => (b.CreatedDate ?? 0) - (a.CreatedDate ?? 0));
  const wanted = await findVersion(
    request,
    newestFirst.map((version) => version.VersionId),
    async (version) => {
      const value = await find(aws, target, { VersionId: version }, signal);
      const reading = value === null ? null : readingOf(target, value);
      return reading?.outcome === 'held' ? { version, body: reading.contents[0].body } : null;
    },
  );
  if (wanted !== null && now?.version !== undefined) {
    // Refused when the stage has left the version that was compared.
    const input = { SecretId: id, VersionStage: stage, MoveToVersionId: wanted, RemoveFromVersionId: now.version };
    const moved = await aws.call(z.unknown(), 'secretsmanager.UpdateSecretVersionStage', input, signal);
    if (moved.outcome === 'refused') throw changedMeanwhile(target.id);
    return;
  }
  const before = await find(aws, target, { VersionStage: stage }, signal);
  const text = textWith(id, before?.SecretString ?? null, field, request.body);
  const input = { SecretId: id, SecretString: text, VersionStages: [stage], ClientRequestToken: crypto.randomUUID() };
  const put = await aws.call(z.unknown(), 'secretsmanager.PutSecretValue', input, signal);
  if (put.outcome === 'refused') throw aws.fault(put);
}
