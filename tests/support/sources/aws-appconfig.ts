/** AppConfig, from the SDK's types: sessions whose tokens are good for one question; hosted versions, and deployments that take a while. */

import { awsKeys, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, idOf } from './http-place.ts';
import { pageOf, type ApiAnswer, type ApiRequest } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

interface Profile {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Hosted versions; number n stands at n - 1. */
  readonly versions: string[];
  /** The number of the version that is deployed. */
  deployed: number;
}

interface Deployment {
  readonly profile: Profile;
  readonly version: number;
  /** Questions until it is done. */
  looksLeft: number;
}

const refused = (status: number, type: string): ApiAnswer => ({
  status,
  headers: { 'x-amzn-errortype': type },
  body: { message: type },
});

export async function openAwsAppconfig() {
  const profiles = new Map<string, Profile>();
  const add = (name: string, text: string, type = 'AWS.Freeform'): void => {
    const id = `pr${profiles.size}abc`;
    profiles.set(name, { id, name, type, versions: ['A draft.', text], deployed: 2 });
  };
  for (const prompt of PROMPTS) add(idOf(prompt), originalText(prompt));
  add('flags', '{}', 'AWS.AppConfig.FeatureFlags');
  const deployments: Deployment[] = [];
  const tokens = new Map<string, Profile>();

  const control = ({ method, parts, query, headers, body, raw }: ApiRequest): ApiAnswer => {
    const named = (items: readonly { Id: string; Name: string; Type?: string }[]): ApiAnswer => {
      const { page, next } = pageOf(items, Number(query.get('next_token') ?? 0), 2);
      return { body: { Items: page, NextToken: next === null ? undefined : String(next) } };
    };
    const [, application, kind, id, what, number] = parts;
    if (application === undefined) {
      return named([
        { Id: 'ap0other', Name: 'other' },
        { Id: 'ap1', Name: 'checkout' },
      ]);
    }
    if (application !== 'ap1') return refused(404, 'ResourceNotFoundException');
    if (id === undefined) {
      const list = [...profiles.values()].map(({ id: Id, name: Name, type: Type }) => ({ Id, Name, Type }));
      return named(kind === 'environments' ? [{ Id: 'en1', Name: 'production' }] : list);
    }
    const profile = profiles.values().find((each) => each.id === id || each.id === body?.ConfigurationProfileId);
    if (what === 'hostedconfigurationversions' && profile !== undefined) {
      const count = profile.versions.length;
      if (method === 'GET') return { body: { Items: [{ VersionNumber: count, ContentType: 'text/plain' }] } };
      if (headers['latest-version-number'] !== String(count)) return refused(409, 'ConflictException');
      profile.versions.push(raw.toString());
      return { status: 201, headers: { 'version-number': String(count + 1) }, body: raw.toString() };
    }
    if (what !== 'deployments' || id !== 'en1') return refused(404, 'ResourceNotFoundException');
    if (method === 'POST') {
      if (profile === undefined || body.DeploymentStrategyId !== 'AppConfig.AllAtOnce')
        return refused(400, 'BadRequestException');
      if (deployments.some(({ looksLeft }) => looksLeft > 0)) return refused(409, 'ConflictException');
      deployments.push({ profile, version: Number(body.ConfigurationVersion), looksLeft: 1 });
      return { status: 201, body: { DeploymentNumber: deployments.length, State: 'DEPLOYING' } };
    }
    const deployment = deployments[Number(number) - 1];
    if (deployment === undefined) return refused(404, 'ResourceNotFoundException');
    deployment.looksLeft -= 1;
    deployment.profile.deployed = deployment.version;
    return { body: { DeploymentNumber: Number(number), State: 'BAKING' } };
  };

  const server = await serveAws('appconfig', (request) => {
    const { path, query, body } = request;
    if (path.startsWith('/applications')) return control(request);
    if (path === '/configurationsessions') {
      const profile = profiles.get(body.ConfigurationProfileIdentifier);
      if (body.ApplicationIdentifier !== 'checkout' || profile === undefined)
        return refused(404, 'ResourceNotFoundException');
      const token = `token-${tokens.size}`;
      tokens.set(token, profile);
      return { status: 201, body: { InitialConfigurationToken: token } };
    }
    const token = query.get('configuration_token') ?? '';
    const profile = tokens.get(token);
    tokens.delete(token);
    if (profile === undefined) return refused(400, 'BadRequestException');
    tokens.set(`${token}-next`, profile);
    const headers = {
      'next-poll-configuration-token': `${token}-next`,
      'next-poll-interval-in-seconds': '60',
      'version-label': `v${profile.deployed}`,
    };
    return { headers, body: profile.versions[profile.deployed - 1] ?? '' };
  });
  return {
    profiles,
    deployments,
    ...httpPlace(server, 'profile', {
      config: {
        ...awsKeys,
        endpoint: server.origin,
        application: 'checkout',
        environment_id: 'production',
        deployment_strategy: 'AppConfig.AllAtOnce',
      },
      secrets: [SECRET_ACCESS_KEY],
      text: (prompt) => {
        const profile = profiles.get(idOf(prompt));
        return profile?.versions[profile.deployed - 1] ?? '';
      },
      edit: (prompt, text) => {
        const profile = profiles.get(idOf(prompt));
        if (profile !== undefined) profile.deployed = profile.versions.push(text);
      },
      remove: (prompt) => void profiles.delete(idOf(prompt)),
    }),
  };
}

export const awsAppconfigFixture: SourceFixture = { type: 'aws-appconfig', open: openAwsAppconfig };
