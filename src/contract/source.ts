/**
 * What a source plugin implements: a place that holds live prompts.
 *
 * A plugin is one file (or folder) in `collectors/` and one line in `collectors/index.ts`. Its file
 * name, its `type`, its configuration key and its metric label are the same word. A plugin asks its
 * place a question and says honestly what it heard; the host (`src/polling/`) owns the interval,
 * jitter, timeout, concurrency, back-off, retries, caching and what a failure means. A plugin keeps
 * no timers, logs nothing, and reads no environment.
 */

import type { z } from 'zod';
import type { PromptBody, PromptSettings, RegisteredVersion } from './prompt.ts';
import type { Timestamp } from './time.ts';

export interface SourcePlugin<Config, Target> {
  /** The plugin's word, e.g. `files`, `langfuse`. */
  readonly type: string;
  /** One sentence for the table of sources. */
  readonly summary: string;
  /** The plugin's own keys in `sources:`; `name`, `type`, `environment`, `every`, `timeout`, `targets` are the host's. Use `z.strictObject`. */
  readonly config: z.ZodType<Config>;
  /** The plugin's own keys of one entry in `targets:`; `prompt` is the host's. */
  readonly target: z.ZodType<Target>;
  /** A complete, valid example of both, used by the docs and the contract suite. */
  readonly example: { readonly config: unknown; readonly targets: readonly unknown[] };
  /** Pure set-up: no I/O here. */
  create(config: Config, context: SourceContext): Source<Target>;
}

export interface SourceContext {
  /** The source's name in the configuration. */
  readonly name: string;
  /** Directory that relative paths in the configuration start from. */
  readonly baseDirectory: string;
  /** `fetch` with the host's limits: response bytes, redirects, timeout by the caller's signal. Use no other. */
  readonly fetch: typeof globalThis.fetch;
  /** `fetch` for an answer that goes on while things happen, as a watch needs it. Absent: nothing can be followed. */
  readonly follow?: typeof globalThis.fetch;
  /** A directory of this source's own for clones and caches. May be empty at any start. */
  readonly cacheDirectory: string;
  /** Environment for programs that the plugin starts (git). Absent: only a standard PATH. */
  readonly childEnvironment?: Readonly<Record<string, string | undefined>>;
}

/** A target as the plugin sees it. */
export interface SourceTarget<Target> {
  /** `NAME/prompt`, unique in the daemon. */
  readonly id: string;
  readonly prompt: string;
  readonly config: Target;
}

/** The required power and the optional ones. What a source can't do, it leaves out. */
export interface Source<Target> {
  readonly live: LivePower<Target>;
  readonly versions?: VersionsPower;
  readonly restore?: RestorePower<Target>;
  readonly webhook?: WebhookPower<Target>;
  readonly discover?: DiscoverPower;
  readonly watch?: WatchPower<Target>;
  /** Releases what `create` or a call opened. Safe twice. */
  close?(): Promise<void>;
}

export interface LivePower<Target> {
  /**
   * Reads what each target holds now. Yields one reading per target, in any order, as they come.
   * A target that is not yielded counts as unreachable. Throwing a `Fault` fails all that are
   * still open. Must stop promptly when `signal` aborts.
   *
   * Cheap questions first: `known` holds the `cursor` (ETag, revision, updated-at) that this source
   * gave with its last `held` reading of a target; where it still stands, answer `unchanged`.
   */
  read(
    targets: readonly SourceTarget<Target>[],
    known: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): AsyncIterable<Reading>;
}

/** What a source heard about one target. */
export type Reading =
  | {
      readonly outcome: 'held';
      readonly target: string;
      /** Usually one. Several: a traffic split, branches, or several prompts inside one object. */
      readonly contents: readonly [LiveContent, ...LiveContent[]];
      readonly cursor?: string;
    }
  | { readonly outcome: 'unchanged'; readonly target: string }
  /** The place answered, and the prompt is not there. */
  | { readonly outcome: 'missing'; readonly target: string; readonly reason: string }
  /** No trustworthy answer: time-out, 5xx, HTML instead of JSON, too large. Never drift. */
  | {
      readonly outcome: 'unreachable';
      readonly target: string;
      readonly reason: string;
      readonly retryAfterMs?: number;
    };

export interface LiveContent {
  /** As the place stores it, references unresolved. */
  readonly body: PromptBody;
  /** With snippets and references resolved, where that differs. */
  readonly resolved?: PromptBody;
  readonly settings?: PromptSettings;
  /** What the target *names*: label, tag, alias, pin. Kept apart from what it holds. */
  readonly pointer?: { readonly name: string; readonly value: string };
  /** The source's own version of the content. */
  readonly version?: string;
  readonly editedAt?: Timestamp;
  readonly editedBy?: string;
  /** Distinguishes several contents of one target: a branch, a variation, a workflow node, a replica. */
  readonly part?: string;
  /** Share of traffic from 0 to 1 where the place splits it. */
  readonly share?: number;
  /** Where a person can look at it. */
  readonly url?: string;
}

export interface VersionsPower {
  /**
   * The registered history, oldest first, since an opaque cursor; used when the source is a registry.
   * A cursor stands for everything up to and with its version. What `isKnown` need not be read again:
   * a version never changes.
   */
  list(
    since: string | null,
    signal: AbortSignal,
    isKnown?: (prompt: string, version: string) => boolean,
  ): AsyncIterable<{ readonly version: RegisteredVersion; readonly cursor: string }>;
}

export interface RestorePower<Target> {
  /**
   * How it puts a version back: `write` replaces the content, `pointer` moves a label, `native` asks
   * the place to roll back.
   */
  readonly form: 'write' | 'pointer' | 'native';
  /** True when the place refuses a write over something newer than `request.expect`. */
  readonly comparesAndSets: boolean;
  /**
   * Writes, and returns what the place then says it holds. Throws a `Fault` of kind `permanent` and
   * writes nothing when what is there is no longer `request.expect`.
   */
  restore(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<Reading>;
}

export interface RestoreRequest {
  readonly body: PromptBody;
  readonly settings: PromptSettings;
  /** The registered version being put back, and the source's own name for it where known. */
  readonly version: string;
  readonly sourceVersion?: string;
  /** The content that the operator saw and wants replaced; null when the target was missing. */
  readonly expect: LiveContent | null;
}

export interface WebhookPower<Target> {
  /**
   * Checks the signature of a push and says which targets to look at now (empty: none of ours).
   * A push is never believed as content. Throws a `Fault` of kind `permanent` when the signature
   * is wrong or the message is a replay.
   */
  receive(request: WebhookRequest, targets: readonly SourceTarget<Target>[]): Promise<readonly string[]>;
}

export interface WebhookRequest {
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the address that was pushed to. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly receivedAt: Timestamp;
}

export interface DiscoverPower {
  /** Everything the place holds that looks like a prompt. `target` is a valid entry for `targets:`, less `prompt`. */
  discover(
    signal: AbortSignal,
  ): AsyncIterable<{ readonly name: string; readonly target: unknown; readonly content: LiveContent }>;
}

export interface WatchPower<Target> {
  /** Calls `changed` with a target's id whenever it may have changed. A hint to look early; polling goes on. */
  watch(
    targets: readonly SourceTarget<Target>[],
    changed: (target: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * A plugin with its types erased, so that plugins of different types fit one list. Made only by
 * `sourcePlugin()` in `src/contract/source-plugin.ts`.
 */
export interface AnySourcePlugin {
  readonly type: string;
  readonly summary: string;
  readonly config: z.ZodType;
  readonly target: z.ZodType;
  readonly example: { readonly config: unknown; readonly targets: readonly unknown[] };
  /** Parses `config` again, so that an untyped value never reaches a typed plugin. */
  open(config: unknown, context: SourceContext): Source<unknown>;
}
