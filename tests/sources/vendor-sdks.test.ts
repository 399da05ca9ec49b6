/** The vendors' own SDKs against our stand-ins: proof that the stand-ins speak the vendors' protocols. */

import {
  SecretsManagerClient,
  GetSecretValueCommand,
  UpdateSecretVersionStageCommand,
  paginateListSecrets,
} from '@aws-sdk/client-secrets-manager';
import {
  GetParameterHistoryCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
  paginateGetParametersByPath,
} from '@aws-sdk/client-ssm';
import Anthropic from '@anthropic-ai/sdk';
import { Braintrust } from '@braintrust/api';
import { LangfuseClient } from '@langfuse/client';
import { Octokit } from '@octokit/rest';
import { Client as LangSmith } from 'langsmith';
import OpenAI from 'openai';
import Retell from 'retell-sdk';
import { afterEach, expect, it } from 'vitest';
import { openAnthropicAgents } from '../support/sources/anthropic-agents.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY } from '../support/sources/aws-server.ts';
import { openAwsSecrets } from '../support/sources/aws-secrets.ts';
import { openAwsSsm } from '../support/sources/aws-ssm.ts';
import { openBraintrust } from '../support/sources/braintrust.ts';
import { openGithub } from '../support/sources/github.ts';
import { openLangfuse } from '../support/sources/langfuse.ts';
import { openLangsmith } from '../support/sources/langsmith.ts';
import { openOpenaiAgents } from '../support/sources/openai-agents.ts';
import { openRetell } from '../support/sources/retell.ts';
import { EDITED, originalText, PROMPTS, type StandIn } from '../support/sources/stand-in.ts';

const opened: StandIn[] = [];
afterEach(async () => {
  for (const standIn of opened.splice(0)) await standIn.close();
});

async function use<Place extends StandIn>(open: () => Promise<Place>): Promise<Place> {
  const place = await open();
  opened.push(place);
  return place;
}

it('@anthropic-ai/sdk pages, reads, updates, and meets a conflict', async () => {
  const place = await use(openAnthropicAgents);
  const { agents } = new Anthropic({ apiKey: place.key, baseURL: place.origin, maxRetries: 0 }).beta;
  expect((await Array.fromAsync(agents.list({ limit: 100 }))).map((agent) => agent.name)).toEqual(PROMPTS);
  const { id, version } = await agents.retrieve('id-reply');
  expect(await agents.update(id, { version, system: EDITED })).toMatchObject({ version: version + 1, system: EDITED });
  await expect(agents.update(id, { version, system: 'late' })).rejects.toMatchObject({ status: 409 });
});

it('openai pages, reads and updates', async () => {
  const place = await use(openOpenaiAgents);
  const { agents } = new OpenAI({ apiKey: place.key, baseURL: `${place.origin}/v1`, maxRetries: 0 }).beta;
  expect((await Array.fromAsync(agents.list({ limit: 2, order: 'asc' }))).map((agent) => agent.name)).toEqual(PROMPTS);
  await agents.update('id-reply', { instructions: EDITED });
  expect((await agents.retrieve('id-reply')).instructions).toBe(EDITED);
});

it('@langfuse/client reads behind a label, moves it, and creates a version', async () => {
  const place = await use(openLangfuse);
  const langfuse = new LangfuseClient({ ...place.credentials, baseUrl: place.origin });
  const read = async () => (await langfuse.prompt.get('reply', { label: 'production', cacheTtlSeconds: 0 })).version;
  expect(await read()).toBe(2);
  await langfuse.prompt.update({ name: 'reply', version: 1, newLabels: ['production'] });
  expect(await read()).toBe(1);
  await langfuse.prompt.create({ name: 'reply', prompt: EDITED, labels: ['production'] });
  expect([await read(), place.text('reply')]).toEqual([3, EDITED]);
});

it('langsmith lists repositories and commits, and pulls a commit', async () => {
  const place = await use(openLangsmith);
  const client = new LangSmith({ apiKey: place.key, apiUrl: place.origin });
  expect((await Array.fromAsync(client.listPrompts())).length).toBeGreaterThan(0);
  const [commit] = place.repos.get('reply')?.commits ?? [];
  expect((await Array.fromAsync(client.listCommits('-/reply'))).map((each) => each.commit_hash)).toContain(
    commit?.commit_hash,
  );
  const pulled = await client.pullPromptCommit(`reply:${commit?.commit_hash}`);
  expect(JSON.stringify(pulled.manifest)).toContain('A draft.');
});

it('retell-sdk makes a draft, changes and publishes it', async () => {
  const place = await use(openRetell);
  const retell = new Retell({ apiKey: place.secrets[0] ?? '', baseURL: place.origin, maxRetries: 0 });
  const agents = await retell.agent.list({ limit: 100 });
  expect([agents.items[0]?.agent_name, agents.has_more]).toEqual(['intent', true]);
  expect((await retell.agent.listVersions('id-reply')).items.map((version) => version.is_published)).toEqual([
    true,
    true,
  ]);
  const { version = -1 } = await retell.agent.createVersion('id-reply', { base_version: 1 });
  await retell.llm.update('llm-id-reply', { version, general_prompt: EDITED });
  await retell.agent.publish('id-reply', { version });
  expect(place.text('reply')).toBe(EDITED);
  await expect(retell.llm.update('llm-id-reply', { version })).rejects.toMatchObject({ status: 422 });
});

it('@braintrust/api pages and updates', async () => {
  const place = await use(() => openBraintrust(null));
  const { prompt } = new Braintrust({ apiKey: place.secrets[0] ?? '', baseURL: place.origin, maxRetries: 0 });
  const slugs = (await Array.fromAsync(prompt.list({ project_name: 'support', limit: 2 }))).map((each) => each.slug);
  expect(slugs).toEqual(PROMPTS);
  await prompt.update('id-reply', {
    prompt_data: { prompt: { type: 'chat', messages: [{ role: 'system', content: EDITED }] } },
  });
  expect(place.text('reply')).toBe(EDITED);
});

it('@octokit/rest reads contents and commits, and meets a stale blob', async () => {
  const place = await use(openGithub);
  const { rest: octokit } = new Octokit({ auth: place.secrets[0], baseUrl: place.origin, log: silent });
  const at = { owner: 'acme', repo: 'prompts', path: 'prompts/reply.txt' };
  const { data } = await octokit.repos.getContent(at);
  expect(data).toMatchObject({ type: 'file', content: expect.any(String) });
  const text = 'content' in data ? Buffer.from(data.content, 'base64').toString() : '';
  expect(text).toBe(originalText('reply'));
  expect((await octokit.repos.listCommits({ ...at, per_page: 1 })).data[0]?.author).toMatchObject({ login: 'alice' });
  const write = {
    ...at,
    message: 'Edit',
    content: Buffer.from(EDITED).toString('base64'),
    sha: 'sha' in data ? data.sha : '',
  };
  await octokit.repos.createOrUpdateFileContents(write);
  expect(place.text('reply')).toBe(EDITED);
  await expect(octokit.repos.createOrUpdateFileContents(write)).rejects.toMatchObject({ status: 409 });
});

const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY };

it('@aws-sdk/client-ssm signs so that the stand-in agrees, reads by label, and writes', async () => {
  const place = await use(openAwsSsm);
  const ssm = new SSMClient({ region: 'eu-central-1', endpoint: place.origin, credentials, maxAttempts: 1 });
  const Name = '/checkout/prompts/reply';
  const { Parameters } = await ssm.send(
    new GetParametersCommand({ Names: [`${Name}:live`, '/none'], WithDecryption: true }),
  );
  expect(Parameters).toMatchObject([{ Name, Version: 2, Value: originalText('reply'), Selector: ':live' }]);
  expect((await ssm.send(new PutParameterCommand({ Name, Value: EDITED, Overwrite: true }))).Version).toBe(3);
  const below: (string | undefined)[] = [];
  const path = { Path: '/checkout/prompts', Recursive: true, WithDecryption: true };
  for await (const page of paginateGetParametersByPath({ client: ssm }, path))
    below.push(...(page.Parameters ?? []).map((parameter) => parameter.Name));
  expect(below).toEqual([...PROMPTS, 'empty'].map((name) => `/checkout/prompts/${name}`));
  const history = await ssm.send(new GetParameterHistoryCommand({ Name }));
  expect(history.Parameters?.[0]?.LastModifiedUser).toContain('alice');
  const forged = new SSMClient({
    region: 'eu-central-1',
    endpoint: place.origin,
    credentials: { ...credentials, secretAccessKey: 'wrong' },
    maxAttempts: 1,
  });
  await expect(forged.send(new GetParametersCommand({ Names: [Name] }))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
  });
});

it('@aws-sdk/client-secrets-manager reads a stage, and moves it only from where it is', async () => {
  const place = await use(openAwsSecrets);
  const client = new SecretsManagerClient({
    region: 'eu-central-1',
    endpoint: place.origin,
    credentials,
    maxAttempts: 1,
  });
  const SecretId = 'id-reply';
  const value = await client.send(new GetSecretValueCommand({ SecretId }));
  expect(value).toMatchObject({ SecretString: originalText('reply'), VersionId: 'id-reply-1' });
  const move = {
    SecretId,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: 'id-reply-0',
    RemoveFromVersionId: 'id-reply-1',
  };
  await client.send(new UpdateSecretVersionStageCommand(move));
  expect(place.text('reply')).toBe('A draft.');
  await expect(client.send(new UpdateSecretVersionStageCommand(move))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  const names: (string | undefined)[] = [];
  for await (const page of paginateListSecrets({ client }, { Filters: [{ Key: 'name', Values: ['id-'] }] }))
    names.push(...(page.SecretList ?? []).map((secret) => secret.Name));
  expect(names).toContain('id-greeting');
  expect(names).not.toContain('database-password');
  await expect(client.send(new GetSecretValueCommand({ SecretId: 'none' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
