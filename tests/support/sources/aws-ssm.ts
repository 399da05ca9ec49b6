/** Parameter Store, from the SDK's types: versions, labels, history with users. */

import { awsKeys, refusal, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

interface Version {
  readonly Version: number;
  readonly Value: string;
  readonly LastModifiedDate: number;
  readonly LastModifiedUser: string;
}

export async function openAwsSsm(now = ticking()) {
  const nameOf = (prompt: string): string => `/checkout/prompts/${prompt}`;
  const parameters = new Map<string, { readonly versions: Version[]; readonly labels: Map<string, number> }>();
  const put = (name: string, value: string, user: string): number => {
    const parameter = parameters.get(name) ?? { versions: [], labels: new Map<string, number>() };
    parameters.set(name, parameter);
    const Version = parameter.versions.length + 1;
    parameter.versions.push({
      Version,
      Value: value,
      LastModifiedDate: now() / 1000,
      LastModifiedUser: `arn:aws:iam::1:user/${user}`,
    });
    return Version;
  };
  for (const prompt of PROMPTS) {
    put(nameOf(prompt), 'A draft.', 'alice');
    put(nameOf(prompt), originalText(prompt), 'alice');
    parameters.get(nameOf(prompt))?.labels.set('live', 2);
  }
  put('/checkout/port', '8080', 'alice');
  put('/checkout/prompts/empty', ' ', 'alice');
  const server = await serveAws('ssm', ({ headers, body }) => {
    const parameter = parameters.get(body.Name);
    switch (headers['x-amz-target'] ?? '') {
      case 'AmazonSSM.GetParameters': {
        if (body.Names.length > 10) return refusal(400, 'ValidationException', 'At most 10 names.');
        const found = (body.Names as string[]).flatMap((selector) => {
          const [name = '', label] = selector.split(':');
          const each = parameters.get(name);
          const version =
            each?.versions[(label === undefined ? each.versions.length : (each.labels.get(label) ?? 0)) - 1];
          if (version === undefined) return [];
          const { LastModifiedUser: _hidden, ...told } = version;
          return [
            {
              ...told,
              Name: name,
              Type: 'SecureString',
              ARN: `arn:aws:ssm:eu-central-1:1:parameter${name}`,
              ...(label === undefined ? {} : { Selector: `:${label}` }),
            },
          ];
        });
        const invalid = (body.Names as string[]).filter(
          (selector) => !found.some((each) => selector.startsWith(each.Name)),
        );
        return { body: { Parameters: found, InvalidParameters: invalid } };
      }
      case 'AmazonSSM.GetParametersByPath': {
        if (body.MaxResults > 10) return refusal(400, 'ValidationException', 'At most 10 results.');
        const below = [...parameters].filter(([name]) => name.startsWith(`${body.Path}/`));
        const { page, next } = pageOf(below, Number(body.NextToken ?? 0), 2);
        const found = page.map(([Name, { versions }]) => {
          const { LastModifiedUser: _hidden, ...told } = versions.at(-1) as Version;
          return { ...told, Name, Type: 'SecureString' };
        });
        return { body: { Parameters: found, NextToken: next === null ? undefined : String(next) } };
      }
      case 'AmazonSSM.GetParameterHistory': {
        if (parameter === undefined) return refusal(400, 'ParameterNotFound', '');
        const start = Number(body.NextToken ?? 0);
        const next = start + 1 < parameter.versions.length ? String(start + 1) : undefined;
        return { body: { Parameters: parameter.versions.slice(start, start + 1), NextToken: next } };
      }
      case 'AmazonSSM.PutParameter':
        if (parameter !== undefined && body.Overwrite !== true) return refusal(400, 'ParameterAlreadyExists', '');
        return { body: { Version: put(body.Name, body.Value, 'plumbline') } };
      case 'AmazonSSM.LabelParameterVersion':
        for (const label of body.Labels) parameter?.labels.set(label, body.ParameterVersion);
        return { body: { InvalidLabels: [], ParameterVersion: body.ParameterVersion } };
      default:
        return refusal(400, 'UnknownOperationException', '');
    }
  });
  const live = (prompt: string): Version | undefined => {
    const parameter = parameters.get(nameOf(prompt));
    return parameter?.versions[(parameter.labels.get('live') ?? 0) - 1];
  };
  return {
    parameters,
    requests: server.requests,
    ...httpPlace(server, 'name', {
      config: { ...awsKeys, endpoint: server.origin, discover: '/checkout/prompts' },
      targets: PROMPTS.map((prompt) => ({ prompt, config: { name: nameOf(prompt), label: 'live' } })),
      secrets: [SECRET_ACCESS_KEY],
      editor: 'arn:aws:iam::1:user/mallory',
      text: (prompt) => live(prompt)?.Value ?? '',
      edit: (prompt, text) => {
        const version = put(nameOf(prompt), text, 'mallory');
        parameters.get(nameOf(prompt))?.labels.set('live', version);
      },
      movePointer: (prompt) => void parameters.get(nameOf(prompt))?.labels.set('live', 1),
      remove: (prompt) => void parameters.delete(nameOf(prompt)),
    }),
  };
}

export const awsSsmFixture: SourceFixture = { type: 'aws-ssm', open: openAwsSsm };
