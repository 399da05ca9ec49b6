/** What a checked `plumbline.yaml` says, in the form in which everything else is told of it. */

import type { ApiKey, ContentPolicy, PriceOverride, RedactionRule, Route } from './schema.ts';

export interface SourceConfiguration {
  readonly name: string;
  readonly type: string;
  readonly environment: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly requestsPerMinute?: number | undefined;
  /** The plugin's own keys, already checked with its schema. */
  readonly config: unknown;
  readonly targets: readonly { readonly prompt: string; readonly config: unknown }[];
}

export interface ChannelConfiguration {
  readonly name: string;
  readonly type: string;
  readonly config: unknown;
}

export interface ContentConfiguration {
  readonly default: ContentPolicy;
  readonly environments: Readonly<Record<string, ContentPolicy>>;
  readonly redact: readonly RedactionRule[];
}

export type StoreLocation =
  | { readonly kind: 'embedded'; readonly path: string }
  | {
      readonly kind: 'server';
      readonly url: string;
      readonly user: string;
      readonly password: string;
      readonly database: string;
      readonly cluster: string | null;
    };

/** Everything the daemon is told. Paths are absolute, durations in milliseconds, secrets resolved. */
export interface Configuration {
  /** Null when there is no file and the defaults hold. */
  readonly file: string | null;
  readonly baseDirectory: string;
  readonly registryDirectories: readonly string[];
  /** Sources whose own history is registered; of two that know one prompt, the first has it. */
  readonly registrySources: readonly string[];
  readonly lockFile: string | null;
  readonly store: StoreLocation;
  /** The spool, caches of sources, and the embedded store: one process's own directory. */
  readonly dataDirectory: string;
  readonly redisUrl: string | null;
  readonly content: ContentConfiguration;
  /** For so long calls are kept, in whole months; null for ever. */
  readonly keepCallsMs: number | null;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly otlpPort: number;
    readonly grpcPort: number;
    readonly publicUrl: string | null;
  };
  readonly sources: readonly SourceConfiguration[];
  readonly channels: readonly ChannelConfiguration[];
  readonly routes: readonly Route[];
  readonly keys: readonly ApiKey[];
  readonly prices: readonly PriceOverride[];
  /** For programs that a source starts, such as git. */
  readonly childEnvironment: Readonly<Record<string, string | undefined>>;
  /** Values that must never be printed. */
  readonly secrets: readonly string[];
}

/** Where a daemon is found. */
export type DaemonPlace = Pick<Configuration, 'server' | 'dataDirectory'>;
