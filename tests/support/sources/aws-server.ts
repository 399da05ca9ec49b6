/** An AWS endpoint: checks signatures and their time by its own reading of the published algorithm. */

import { createHash, createHmac } from 'node:crypto';
import { serveApi, type ApiAnswer, type ApiRequest, type HttpStandIn } from './http-stand-in.ts';

export const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const REGION = 'eu-central-1';

interface Key {
  readonly secret: string;
  /** Of temporary keys. */
  readonly token?: string;
}

/** Who may ask; tests add temporary keys, and take them away. */
export const knownKeys = new Map<string, Key>([[ACCESS_KEY_ID, { secret: SECRET_ACCESS_KEY }]]);

export const awsKeys = { region: REGION, access_key_id: ACCESS_KEY_ID, secret_access_key: SECRET_ACCESS_KEY };

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The true time: tests may have set the process's clock back. */
const now = (): number => performance.timeOrigin + performance.now();

export async function serveAws(service: string, handler: (request: ApiRequest) => ApiAnswer): Promise<HttpStandIn> {
  return serveApi((request) => {
    const problem = signatureProblem(request, service);
    const answer = problem === null ? handler(request) : refusal(403, problem, 'Denied.');
    return { ...answer, headers: { date: new Date(now()).toUTCString(), ...answer.headers } };
  });
}

/** In the form of the JSON services. */
export function refusal(status: number, type: string, message: string): ApiAnswer {
  return { status, body: { __type: type, message } };
}

/** The service's word for a signature that it does not take; null for a good one. */
export function signatureProblem({ method, path, query, headers, raw }: ApiRequest, service: string): string | null {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    );
  if (found === null) return 'IncompleteSignature';
  const [, keyId, day = '', region = '', signedService = '', names = '', signature] = found;
  const known = knownKeys.get(keyId ?? '');
  if (known === undefined) return 'UnrecognizedClientException';
  if (known.token !== headers['x-amz-security-token']) return 'InvalidClientTokenId';
  if (region !== REGION || signedService !== service) return 'InvalidSignatureException';
  const date = headers['x-amz-date'] ?? '';
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(at - now()) < 300_000)) return 'RequestTimeTooSkewed';
  const escaped = (text: string): string =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonicalPath = service === 's3' ? path : path.split('/').map(escaped).join('/');
  const canonicalQuery = [...query]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('&');
  const canonicalHeaders = names
    .split(';')
    .map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`)
    .join('');
  const canonical = [method, canonicalPath, canonicalQuery, canonicalHeaders, names, sha256(raw)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${known.secret}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
  return expected === signature ? null : 'SignatureDoesNotMatch';
}
