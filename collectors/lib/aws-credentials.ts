/**
 * The keys that sign questions to AWS: those of the configuration, or those that AWS's own library finds
 * where every AWS program finds them. What it found is kept until it runs out or is refused.
 */

import { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { secret } from './secret.ts';

/** The keys of the configuration that say who asks. */
export const awsCredentialsConfig = {
  access_key_id: z
    .string()
    .min(1)
    .optional()
    .describe(
      "With its secret. Absent: environment, shared files, web identity, container or instance, in the order of AWS's library.",
    ),
  secret_access_key: secret().optional(),
  session_token: secret().optional(),
  profile: z.string().min(1).optional().describe('Of the shared files.'),
  role_arn: z
    .string()
    .regex(/^arn:[^:]+:iam::\d*:role\/.+/, 'is not the ARN of a role')
    .optional()
    .describe('A role to take on with those keys.'),
  external_id: z.string().min(1).optional(),
};

export interface AwsCredentialsConfig {
  readonly region: string;
  readonly access_key_id?: string | undefined;
  readonly secret_access_key?: string | undefined;
  readonly session_token?: string | undefined;
  readonly profile?: string | undefined;
  readonly role_arn?: string | undefined;
  readonly external_id?: string | undefined;
}

export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type Provider = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsIdentity>;

// Asked for anew this long before they end, as AWS's own library does.
const RENEW_BEFORE_MS = 300_000;
// Keys without an end may be replaced in their file.
const KEPT_MS_MAX = 900_000;
const WORDS_CHARACTERS_MAX = 300;
const REQUEST_MS_MAX = 5_000;

/** The library warns on the console; what is wrong is told by the failure. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export class AwsCredentials {
  readonly #config: AwsCredentialsConfig;
  #provider: Provider | null = null;
  #held: { readonly identity: AwsIdentity; readonly sinceMs: number } | null = null;
  #asking: Promise<AwsIdentity> | null = null;
  #isRefused = false;

  /** Throws a `Fault` of kind `config` for half a pair of keys. */
  constructor(config: AwsCredentialsConfig) {
    if ((config.access_key_id === undefined) !== (config.secret_access_key === undefined)) {
      throw new Fault('config', 'access_key_id and secret_access_key belong together.', {
        hint: 'Without both, the usual places of AWS credentials are searched.',
      });
    }
    this.#config = config;
  }

  /** Throws a `Fault` when there are none. */
  async get(signal: AbortSignal): Promise<AwsIdentity> {
    signal.throwIfAborted();
    if (this.#held !== null && !this.#isRefused && isFresh(this.#held)) return this.#held.identity;
    // One question for all that wait; it goes on when one of them gives up.
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return Promise.race([this.#asking, aborted(signal)]);
  }

  /** The service does not take what is held: it is asked for anew before the next question. */
  refuse(): void {
    this.#isRefused = true;
  }

  /** What may appear in no message. */
  secrets(): readonly string[] {
    const { secretAccessKey, sessionToken } = this.#held?.identity ?? {};
    return [secretAccessKey ?? '', sessionToken ?? ''].filter((value) => value !== '');
  }

  async #ask(): Promise<AwsIdentity> {
    try {
      this.#provider ??= await providerOf(this.#config);
      const identity = await this.#provider({ forceRefresh: this.#isRefused });
      this.#held = { identity, sinceMs: performance.now() };
      this.#isRefused = false;
      return identity;
    } catch (error) {
      const held = this.#isRefused ? null : this.#held;
      // What is not over yet serves until the place that gives new ones answers again.
      if (held !== null && (held.identity.expiration?.getTime() ?? Infinity) > Date.now()) return held.identity;
      throw new Fault('transient', `There are no AWS credentials: ${wordsOf(error)}`, {
        hint: 'Set access_key_id and secret_access_key, name a profile, or run where a role is attached.',
        cause: error,
      });
    }
  }
}

/** The library is loaded by those who need it: it is large, and most daemons ask nothing of AWS. */
async function providerOf(config: AwsCredentialsConfig): Promise<Provider> {
  const { region, access_key_id: id, secret_access_key: key, session_token: token, profile } = config;
  const { role_arn: role, external_id: externalId } = config;
  const session = token === undefined ? {} : { sessionToken: token };
  const given = id === undefined || key === undefined ? null : { accessKeyId: id, secretAccessKey: key, ...session };
  if (given !== null && role === undefined) return () => Promise.resolve(given);
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const limits = { requestTimeout: REQUEST_MS_MAX, connectionTimeout: REQUEST_MS_MAX };
  const clientConfig = { region, requestHandler: limits };
  const where = profile === undefined ? {} : { profile };
  const own: Provider =
    given === null
      ? fromNodeProviderChain({ clientConfig, logger: SILENT, ignoreCache: true, ...where })
      : () => Promise.resolve(given);
  if (role === undefined) return own;
  return fromTemporaryCredentials({
    masterCredentials: own,
    clientConfig,
    logger: SILENT,
    params: {
      RoleArn: role,
      RoleSessionName: 'plumbline',
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
  }) as Provider;
}

function isFresh({ identity, sinceMs }: { readonly identity: AwsIdentity; readonly sinceMs: number }): boolean {
  const { expiration } = identity;
  if (expiration === undefined) return performance.now() - sinceMs < KEPT_MS_MAX;
  return expiration.getTime() - Date.now() > RENEW_BEFORE_MS;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const words = message.replaceAll(/\s+/g, ' ').trim().slice(0, WORDS_CHARACTERS_MAX);
  return /[.!]$/.test(words) ? words : `${words}.`;
}

function ignore(): void {
  // Nothing is logged by a plugin.
}
