/** Where AWS programs get temporary keys: a container's metadata, and STS for roles and web identities. */

import { knownKeys, signatureProblem } from './aws-server.ts';
import { serveApi, type HttpStandIn } from './http-stand-in.ts';

export interface GivenKeys {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  readonly Expiration: string;
}

let given = 0;

/** New temporary keys, which the stand-ins of AWS take from now on. */
export function giveKeys(): GivenKeys {
  const number = String((given += 1)).padStart(4, '0');
  const keys = {
    AccessKeyId: `ASIATEMPORARY${number}`,
    SecretAccessKey: `temporary-secret-access-key-${number}`,
    Token: `session-token-of-somebody-${number}`,
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  };
  knownKeys.set(keys.AccessKeyId, { secret: keys.SecretAccessKey, token: keys.Token });
  return keys;
}

/** What ECS, EKS and Lambda's like have beside a container: an address and a token in the environment. */
export async function openContainerMetadata(
  token: string,
): Promise<HttpStandIn & { readonly latest: () => GivenKeys }> {
  let latest = giveKeys();
  const server = await serveApi(({ headers }) => {
    if (headers['authorization'] !== token) return { status: 401, body: { message: 'No.' } };
    if (!knownKeys.has(latest.AccessKeyId)) latest = giveKeys();
    return { body: latest };
  });
  return { ...server, latest: () => latest };
}

/** Security Token Service, from its API reference: forms in, XML out. */
export function openSts(): Promise<HttpStandIn> {
  return serveApi((request) => {
    const form = new URLSearchParams(request.raw.toString());
    const action = form.get('Action') ?? '';
    // A role is taken on by a signed question, a web identity by its token alone.
    const isAllowed =
      form.get('RoleArn') === ROLE &&
      (action === 'AssumeRoleWithWebIdentity'
        ? form.get('WebIdentityToken') === WEB_IDENTITY_TOKEN
        : signatureProblem(request, 'sts') === null && form.get('ExternalId') === EXTERNAL_ID);
    if (!isAllowed) {
      const error = '<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not you.</Message></Error>';
      return { status: 403, headers: XML, body: `<ErrorResponse xmlns="${SPACE}">${error}</ErrorResponse>` };
    }
    const { AccessKeyId, SecretAccessKey, Token: SessionToken, Expiration } = giveKeys();
    const fields = Object.entries({ AccessKeyId, SecretAccessKey, SessionToken, Expiration });
    const credentials = fields.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
    const result = `<${action}Result><Credentials>${credentials}</Credentials></${action}Result>`;
    return { headers: XML, body: `<${action}Response xmlns="${SPACE}">${result}</${action}Response>` };
  });
}

export const ROLE = 'arn:aws:iam::1:role/reader';
export const EXTERNAL_ID = 'acme';
export const WEB_IDENTITY_TOKEN = 'web-identity-token';
const XML = { 'content-type': 'text/xml' };
const SPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
