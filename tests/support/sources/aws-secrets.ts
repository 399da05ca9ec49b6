/** Secrets Manager, from the SDK's types: versions, staging labels, moves that name what they move from. */

import { awsKeys, refusal, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

interface Secret {
  readonly versions: { readonly VersionId: string; readonly SecretString: string; readonly CreatedDate: number }[];
  current: string;
}

export async function openAwsSecrets() {
  const now = ticking();
  const secrets = new Map<string, Secret>();
  const put = (id: string, text: string): string => {
    const secret = secrets.get(id) ?? { versions: [], current: '' };
    secrets.set(id, secret);
    secret.current = `${id}-${secret.versions.length}`;
    secret.versions.push({ VersionId: secret.current, SecretString: text, CreatedDate: now() / 1000 });
    return secret.current;
  };
  for (const prompt of PROMPTS) {
    put(idOf(prompt), 'A draft.');
    put(idOf(prompt), originalText(prompt));
  }
  put('database-password', 'hunter2');
  put('ID-of-something-else', 'hunter3');
  const server = await serveAws('secretsmanager', ({ headers, body }) => {
    if (headers['x-amz-target'] === 'secretsmanager.ListSecrets') {
      const [{ Key: key, Values: [prefix = ''] = [] }] = body.Filters;
      if (key !== 'name') return refusal(400, 'InvalidParameterException', 'Only by name here.');
      const names = [...secrets.keys()].filter((name) => name.toLowerCase().startsWith(prefix.toLowerCase()));
      const { page, next } = pageOf(names, Number(body.NextToken ?? 0), 2);
      return {
        body: { SecretList: page.map((Name) => ({ Name })), NextToken: next === null ? undefined : String(next) },
      };
    }
    const secret = secrets.get(body.SecretId);
    if (secret === undefined)
      return refusal(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    switch (headers['x-amz-target'] ?? '') {
      case 'secretsmanager.GetSecretValue': {
        const version = secret.versions.find((each) => each.VersionId === (body.VersionId ?? secret.current));
        return version === undefined
          ? refusal(400, 'ResourceNotFoundException', '')
          : { body: { Name: body.SecretId, ...version } };
      }
      case 'secretsmanager.ListSecretVersionIds':
        return {
          body: { Versions: secret.versions.map(({ VersionId, CreatedDate }) => ({ VersionId, CreatedDate })) },
        };
      case 'secretsmanager.UpdateSecretVersionStage':
        if (body.RemoveFromVersionId !== secret.current)
          return refusal(400, 'InvalidParameterException', 'The stage is elsewhere.');
        secret.current = body.MoveToVersionId;
        return { body: { Name: body.SecretId } };
      case 'secretsmanager.PutSecretValue':
        return { body: { VersionId: put(body.SecretId, body.SecretString) } };
      default:
        return refusal(400, 'UnknownOperationException', '');
    }
  });
  return httpPlace(server, 'secret_id', {
    config: { ...awsKeys, endpoint: server.origin, discover: 'id-' },
    secrets: [SECRET_ACCESS_KEY],
    text: (prompt) => {
      const secret = secrets.get(idOf(prompt));
      return secret?.versions.find((each) => each.VersionId === secret.current)?.SecretString ?? '';
    },
    edit: (prompt, text) => void put(idOf(prompt), text),
    movePointer: (prompt) => void Object.assign(secrets.get(idOf(prompt)) ?? {}, { current: `${idOf(prompt)}-0` }),
    remove: (prompt) => void secrets.delete(idOf(prompt)),
  });
}

export const awsSecretsFixture: SourceFixture = { type: 'aws-secrets', open: openAwsSecrets };
