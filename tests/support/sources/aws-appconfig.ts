/** AppConfig's data plane, from the SDK's types: sessions whose tokens are good for one question. */

import { awsKeys, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, idOf } from './http-place.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

export async function openAwsAppconfig() {
  const profiles = new Map(PROMPTS.map((prompt) => [idOf(prompt), { text: originalText(prompt), version: 1 }]));
  const tokens = new Map<string, string>();
  const server = await serveAws('appconfig', ({ path, query, body }) => {
    const refused = (status: number, type: string) => ({
      status,
      headers: { 'x-amzn-errortype': type },
      body: { message: type },
    });
    if (path === '/configurationsessions') {
      const isKnown = body.ApplicationIdentifier === 'checkout' && profiles.has(body.ConfigurationProfileIdentifier);
      if (!isKnown) return refused(404, 'ResourceNotFoundException');
      const token = `token-${tokens.size}`;
      tokens.set(token, body.ConfigurationProfileIdentifier);
      return { status: 201, body: { InitialConfigurationToken: token } };
    }
    const token = query.get('configuration_token') ?? '';
    const profile = profiles.get(tokens.get(token) ?? '');
    tokens.set(token, '');
    if (profile === undefined) return refused(400, 'BadRequestException');
    const headers = {
      'next-poll-configuration-token': `${token}-next`,
      'next-poll-interval-in-seconds': '60',
      'version-label': String(profile.version),
    };
    return { headers, body: profile.text };
  });
  return httpPlace(server, 'profile', {
    config: { ...awsKeys, endpoint: server.origin, application: 'checkout', environment_id: 'production' },
    secrets: [SECRET_ACCESS_KEY],
    text: (prompt) => profiles.get(idOf(prompt))?.text ?? '',
    edit: (prompt, text) => void profiles.set(idOf(prompt), { text, version: 2 }),
    remove: (prompt) => void profiles.delete(idOf(prompt)),
  });
}

export const awsAppconfigFixture: SourceFixture = { type: 'aws-appconfig', open: openAwsAppconfig };
