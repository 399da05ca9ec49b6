/** Signed questions to an AWS service. Signing is AWS's own library; the clock it needs is corrected by the service's. */

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { hostOf, statusFault } from '../../src/lib/http.ts';
import { redactor } from '../../src/lib/redact.ts';
import { shaped } from './ask-json.ts';
import { AwsCredentials, awsCredentialsConfig, type AwsCredentialsConfig } from './aws-credentials.ts';

/** The keys that all AWS sources have in their configuration. */
export const awsConfig = {
  region: z.string().min(1),
  ...awsCredentialsConfig,
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('For a private endpoint or a compatible service.'),
};

export interface AwsConfig extends AwsCredentialsConfig {
  readonly endpoint?: string | undefined;
}

export interface AwsQuestion {
  readonly method?: string;
  /** Encoded. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export type AwsAnswer =
  | { readonly outcome: 'ok'; readonly response: Response; readonly text: string }
  | { readonly outcome: 'unchanged' }
  /** The service refused, and this is its word for why: `ParameterNotFound`, `PreconditionFailed` … */
  | { readonly outcome: 'refused'; readonly code: string; readonly words: string; readonly status: number };

// AWS refuses signatures whose time is further off than this.
const SKEW_MS_MAX = 300_000;

/** What the services call it when they want to be asked less. */
const THROTTLED = /^(Throttling|ThrottlingException|TooManyRequestsException|SlowDown|RequestLimitExceeded)$/;

/** What they call it when the key ran out or is not known (any more). */
const KEY_REFUSED = /^(Expired.*|UnrecognizedClient.*|InvalidClientTokenId|InvalidAccessKeyId|InvalidToken.*)$/;

export class Aws {
  readonly host: string;
  readonly #base: URL;
  readonly #fetch: typeof globalThis.fetch;
  readonly #credentials: AwsCredentials;
  readonly #signing: { readonly service: string; readonly region: string };
  #skewMs = 0;

  /** `service`: the name in signatures. `hostPrefix`: the name in the usual address. */
  constructor(fetch: typeof globalThis.fetch, config: AwsConfig, service: string, hostPrefix: string) {
    this.#fetch = fetch;
    this.#base = new URL(config.endpoint ?? `https://${hostPrefix}.${config.region}.amazonaws.com`);
    this.host = hostOf(this.#base.href);
    this.#credentials = new AwsCredentials(config);
    this.#signing = { service, region: config.region };
  }

  /** Throws a `Fault` for answers that are not the service's own: time-outs, 5xx, proxies, wrong credentials. */
  async ask(question: AwsQuestion): Promise<AwsAnswer> {
    const first = await this.#send(question);
    const serverTime = Date.parse(first.headers.get('date') ?? '');
    const skewMs = serverTime - Date.now();
    const isSkewed = first.status >= 400 && Math.abs(skewMs - this.#skewMs) > SKEW_MS_MAX;
    if (!isSkewed) return this.#answerOf(first);
    // Our clock is wrong: signed once more with the time of the service.
    await first.body?.cancel();
    this.#skewMs = skewMs;
    return this.#answerOf(await this.#send(question));
  }

  /** A call in AWS's JSON protocol: `target` such as `AmazonSSM.GetParameters`. */
  async call<Shape>(
    schema: z.ZodType<Shape>,
    target: string,
    input: object,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: 'ok'; readonly value: Shape } | Extract<AwsAnswer, { outcome: 'refused' }>> {
    const answer = await this.ask({
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body: JSON.stringify(input),
      signal,
    });
    if (answer.outcome === 'refused') return answer;
    if (answer.outcome !== 'ok') throw this.#unexpected();
    return { outcome: 'ok', value: this.shaped(schema, answer.text) };
  }

  shaped<Shape>(schema: z.ZodType<Shape>, text: string): Shape {
    const value = jsonOrUndefined(text);
    if (value === undefined) throw this.#unexpected();
    return shaped(schema, value, this.host);
  }

  /** For a refusal that is no expected answer. */
  fault({ code, words }: Extract<AwsAnswer, { outcome: 'refused' }>): Fault {
    return new Fault('permanent', `${this.host} refused: ${code}${words === '' ? '' : ` (${words})`}.`, {
      hint: 'Check the names, the region, and what the key may do.',
    });
  }

  async #send({ method = 'GET', path = '/', query = {}, headers = {}, body, signal }: AwsQuestion): Promise<Response> {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const request = {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: { ...query },
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    };
    const { service, region } = this.#signing;
    // S3 alone takes the path as it is.
    const how = { service, region, sha256: Sha256, uriEscapePath: service !== 's3' };
    const signer = new SignatureV4({ ...how, credentials: await this.#credentials.get(signal) });
    const signed = await signer.sign(request, { signingDate: new Date(Date.now() + this.#skewMs) });
    const { host: _host, ...sent } = signed.headers;
    return this.#fetch(url, { method, headers: sent, signal, ...(body === undefined ? {} : { body }) });
  }

  async #answerOf(response: Response): Promise<AwsAnswer> {
    if (response.status === 304) return { outcome: 'unchanged' };
    const text = await response.text();
    if (response.ok) return { outcome: 'ok', response, text };
    const { code, words: said } = refusalIn(text, response.headers);
    const words = redactor(this.#credentials.secrets())(said);
    if (KEY_REFUSED.test(code)) this.#credentials.refuse();
    if (THROTTLED.test(code)) throw new Fault('overloaded', `${this.host} answered ${code}.`);
    const isFailure =
      code === '' || response.status >= 500 || response.status === 429 || [401, 403].includes(response.status);
    if (isFailure) throw statusFault(this.host, response, [code, words].filter((part) => part !== '').join(': '));
    return { outcome: 'refused', code, words, status: response.status };
  }

  #unexpected(): Fault {
    return new Fault('transient', `${this.host} answered with something that is not JSON.`, {
      hint: 'A proxy or a wrong endpoint answers like that.',
    });
  }
}

/** The service's word for a refusal, in a header, JSON or S3's XML; empty when the answer is not the service's. */
function refusalIn(text: string, headers: Headers): { readonly code: string; readonly words: string } {
  const json = jsonOrUndefined(text);
  if (typeof json === 'object' && json !== null) {
    const fields = json as Readonly<Record<string, unknown>>;
    const type = headers.get('x-amzn-errortype') ?? fields['__type'] ?? fields['Code'] ?? fields['code'];
    const words = fields['message'] ?? fields['Message'];
    // `com.amazonaws.ssm#ParameterNotFound` and `ParameterNotFound:http://…` are the same as `ParameterNotFound`.
    const code = typeof type === 'string' ? (type.split('#').at(-1)?.split(':')[0] ?? '') : '';
    return { code, words: typeof words === 'string' ? words : '' };
  }
  const code = /<Error>.*?<Code>([^<]*)<\/Code>/s.exec(text)?.[1] ?? '';
  return { code, words: /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? '' };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Node's hash in the form that the signing library wants. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined;
  #hash: Hash | Hmac;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    if (key !== undefined && typeof key !== 'string') {
      this.#secret = ArrayBuffer.isView(key)
        ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
        : new Uint8Array(key);
    } else {
      this.#secret = key;
    }
    this.#hash = this.#fresh();
  }

  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}
