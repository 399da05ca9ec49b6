/** The words for what a prompt is: its text, its settings, its registered versions, its pins. */

import type { Timestamp } from './time.ts';

export const TEMPLATE_FORMATS = ['jinja2', 'mustache', 'handlebars', 'fstring', 'dollar', 'plain'] as const;
export type TemplateFormat = (typeof TEMPLATE_FORMATS)[number];

export interface PromptMessage {
  /** `system`, `user`, `assistant`, `developer`, `tool`, or whatever the source calls it. */
  readonly role: string;
  readonly content: string;
}

/** What a prompt says: one text, or chat messages. Never normalised: stored text is never altered. */
export type PromptBody =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chat'; readonly messages: readonly PromptMessage[] };

/** JSON as it comes from YAML or an API. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What goes to the model beside the text. Absent fields are not known, which is not the same as empty. */
export interface PromptSettings {
  readonly model?: string;
  readonly parameters?: { readonly [name: string]: Json };
  readonly tools?: readonly Json[];
}

/** SHA-256, written `sha256:<64 lower-case hex digits>`. */
export type ContentHash = `sha256:${string}`;

/** What somebody saw at a place: a hash, or its beginning as alerts show it; `missing` when nothing was there. */
export type SeenContent = ContentHash | 'missing';

/**
 * Three hashes of one body; see `src/text/hashes.ts` for what each normalises. Only equal `strict`
 * hashes may be called *identical*; `transport` is *same, re-encoded*; `cosmetic` *whitespace drift*.
 */
export interface ContentHashes {
  readonly strict: ContentHash;
  readonly transport: ContentHash;
  readonly cosmetic: ContentHash;
}

/** Where a fact was written down, for messages that must point at it. */
export interface Origin {
  /** Path as the user would type it, or the registry's URL. */
  readonly file: string;
  readonly line?: number;
  /** Git commit, or the registry's own id of the version. */
  readonly commit?: string;
}

/** One model's form of a version. A version with a single model has one variant. */
export interface PromptVariant {
  readonly model: string;
  /** Template source after components are expanded. */
  readonly body: PromptBody;
  readonly format: TemplateFormat;
  readonly settings: PromptSettings;
  readonly hashes: ContentHashes;
}

export interface ComponentReference {
  readonly id: string;
  readonly version: string;
}

/** One immutable registered content of a prompt. */
export interface RegisteredVersion {
  readonly prompt: string;
  /** `2` or `1.4.0`, always as text. */
  readonly version: string;
  readonly parent: string | null;
  readonly owner: string;
  readonly tags: readonly string[];
  /** True for a fragment that other prompts include and that is never live by itself. */
  readonly isComponent: boolean;
  /** At least one; the first is the default. */
  readonly variants: readonly [PromptVariant, ...PromptVariant[]];
  readonly components: readonly ComponentReference[];
  readonly metrics: { readonly [name: string]: number };
  /** Name of the registry it came from: `files`, or a source's name. */
  readonly registry: string;
  readonly origin: Origin;
  /** When it was committed or published, if the registry knows. */
  readonly registeredAt: Timestamp | null;
  readonly author: string | null;
}

/** Which version an environment should hold: a line of the lockfile, or a label of a registry. */
export interface Pin {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  /** Strict hash of the version's default variant when it was pinned. */
  readonly hash: ContentHash;
  /** Who says so: `lockfile`, or `label:production@prod-langfuse`. */
  readonly rule: string;
  readonly origin: Origin;
  /** Since when, if known (time of the Git commit that moved it, label move time). */
  readonly since: Timestamp | null;
  readonly by: string | null;
}

/** All that is registered at one moment. */
export interface RegistrySnapshot {
  readonly versions: readonly RegisteredVersion[];
  readonly pins: readonly Pin[];
}
