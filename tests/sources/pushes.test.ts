/** What is particular to the pushes of single places. What all of them promise is in the contract suite. */

import { createHmac } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebhookRequest } from '../../src/contract/source.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';
import { ANTHROPIC_WEBHOOK_SECRET, openAnthropicAgents } from '../support/sources/anthropic-agents.ts';
import { gitlabPush, openGitlab } from '../support/sources/gitlab.ts';
import { openMlflow } from '../support/sources/mlflow.ts';
import { PROMPTS, type StandIn } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

/** Watches a stand-in, and gives what takes its pushes. */
async function receiver(type: string, standIn: StandIn, more: object = {}) {
  const place = await watchPlace({ type }, { ...standIn, config: { ...(standIn.config as object), ...more } });
  opened.push(place);
  const { webhook } = place.source.source;
  if (webhook === undefined) throw new Error(`${type} takes no pushes.`);
  return (request: WebhookRequest) => webhook.receive(request, place.source.targets);
}

function pushed(body: Buffer, headers: WebhookRequest['headers'], atMillis = Date.now()): WebhookRequest {
  return { headers, query: {}, body, receivedAt: timestampFromMillis(atMillis) };
}

const refused = { name: 'Fault', kind: 'permanent' };
const all = PROMPTS.map((prompt) => `place/${prompt}`);

describe('a push of GitLab', () => {
  const token = { webhook_secret: 'an-older-secret-token' };

  it('carries the secret token where no signing token is set', async () => {
    const receive = await receiver('gitlab', await openGitlab(), token);
    const body = gitlabPush({});
    expect(await receive(pushed(body, { 'x-gitlab-token': 'an-older-secret-token' }))).toEqual(all);
    await expect(receive(pushed(body, { 'x-gitlab-token': 'an-older-secret-token' }))).rejects.toMatchObject(refused);
    await expect(receive(pushed(gitlabPush({ path: 'x' }), {}))).rejects.toMatchObject(refused);
    await expect(receive(pushed(gitlabPush({ path: 'y' }), { 'x-gitlab-token': 'another' }))).rejects.toMatchObject(
      refused,
    );
  });

  it('must be signed where a signing token is set: the secret itself is no signature', async () => {
    const standIn = await openGitlab();
    const receive = await receiver('gitlab', standIn);
    const { webhook_secret: signingToken } = standIn.config as { readonly webhook_secret: string };
    await expect(receive(pushed(gitlabPush({}), { 'x-gitlab-token': signingToken }))).rejects.toMatchObject(refused);
  });

  it('says nothing about another branch or another project', async () => {
    const receive = await receiver('gitlab', await openGitlab(), token);
    const headers = { 'x-gitlab-token': 'an-older-secret-token' };
    expect(await receive(pushed(gitlabPush({ ref: 'refs/heads/draft' }), headers))).toEqual([]);
    expect(await receive(pushed(gitlabPush({ project: 'acme/other' }), headers))).toEqual([]);
  });

  it('is refused when its secret is no secret', async () => {
    await expect(receiver('gitlab', await openGitlab(), { webhook_secret: 'whsec_' })).rejects.toMatchObject({
      name: 'Fault',
      kind: 'config',
    });
  });
});

describe('a push of Anthropic', () => {
  it('is genuine to the own SDK of the vendor, so the stand-in signs as the vendor does', async () => {
    const standIn = await openAnthropicAgents();
    const request = standIn.push?.('reply', Date.now());
    const { webhooks } = new Anthropic({ apiKey: 'unused' }).beta;
    const headers = request?.headers as Record<string, string>;
    const body = Buffer.from(request?.body ?? []).toString();
    expect(webhooks.unwrap(body, { headers, key: ANTHROPIC_WEBHOOK_SECRET })).toMatchObject({
      data: { type: 'agent.updated', id: 'id-reply' },
    });
    const receive = await receiver('anthropic-agents', standIn);
    expect(request && (await receive(request))).toEqual(['place/reply']);
  });

  it('may carry the signature of an older secret beside the present one', async () => {
    const standIn = await openAnthropicAgents();
    const receive = await receiver('anthropic-agents', standIn);
    const request = standIn.push?.('reply', Date.now());
    const both = `v1,${Buffer.alloc(32).toString('base64')} ${request?.headers['webhook-signature']}`;
    const headers = { ...request?.headers, 'webhook-signature': both };
    expect(request && (await receive({ ...request, headers }))).toEqual(['place/reply']);
  });

  it('is of no concern when it is about a session', async () => {
    const receive = await receiver('anthropic-agents', await openAnthropicAgents());
    const body = Buffer.from(
      JSON.stringify({ type: 'event', id: 'e', data: { type: 'session.updated', id: 'id-reply' } }),
    );
    const seconds = String(Math.floor(Date.now() / 1000));
    const key = Buffer.from(ANTHROPIC_WEBHOOK_SECRET.replace('whsec_', ''), 'base64');
    const signature = createHmac('sha256', key).update(`e.${seconds}.`).update(body).digest('base64');
    const headers = { 'webhook-id': 'e', 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
    expect(await receive(pushed(body, headers))).toEqual([]);
  });
});

it('a push of MLflow about a model is of no concern', async () => {
  const standIn = await openMlflow();
  const receive = await receiver('mlflow', standIn);
  const { webhook_secret: secret } = standIn.config as { readonly webhook_secret: string };
  const seconds = String(Math.floor(Date.now() / 1000));
  const send = (entity: string, id: string) => {
    const body = Buffer.from(JSON.stringify({ entity, action: 'created', data: { name: 'reply', version: '3' } }));
    const signature = createHmac('sha256', secret).update(`${id}.${seconds}.`).update(body).digest('base64');
    const headers = {
      'x-mlflow-delivery-id': id,
      'x-mlflow-timestamp': seconds,
      'x-mlflow-signature': `v1,${signature}`,
    };
    return receive(pushed(body, headers));
  };
  expect(await send('model_version', '1')).toEqual([]);
  expect(await send('prompt_version', '2')).toEqual(['place/reply']);
});
