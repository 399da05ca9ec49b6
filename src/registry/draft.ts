/** A version as one file states it, before its components are expanded and its history is known. */

import type { ComponentReference, PromptBody, PromptSettings, TemplateFormat } from '../contract/prompt.ts';
import type { YamlDocument, YamlPath } from '../lib/yaml.ts';

export interface DraftVariant {
  /** Empty for a component that names none. */
  readonly model: string;
  /** As written: the places of components are not filled yet. */
  readonly body: PromptBody;
  /** Where the texts of `body` stand in the file: one path per message. */
  readonly paths: readonly YamlPath[];
  readonly format: TemplateFormat;
  readonly settings: PromptSettings;
}

/** A version as one file states it. */
export interface PromptDraft {
  readonly id: string;
  readonly version: string;
  readonly parent: string | null;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly isComponent: boolean;
  readonly components: readonly ComponentReference[];
  readonly metrics: { readonly [name: string]: number };
  readonly variants: readonly [DraftVariant, ...DraftVariant[]];
}

/** A file of today, and where its parts stand. */
export interface PromptSource {
  readonly draft: PromptDraft;
  readonly document: YamlDocument;
}

/** `id@version`: how people write it, and the key of a version in maps. */
export function versionKey(id: string, version: string): string {
  return `${id}@${version}`;
}
