/** Makes a registered version out of what a registry's API tells. Pure. */

import type {
  PromptBody,
  PromptSettings,
  PromptVariant,
  RegisteredVersion,
  TemplateFormat,
} from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import type { Including } from './references.ts';

export interface ToldVersion {
  readonly prompt: string;
  readonly version: string;
  readonly parent?: string | null;
  readonly body: PromptBody;
  readonly format: TemplateFormat;
  readonly settings?: PromptSettings | undefined;
  /** Where it includes other prompts. */
  readonly including?: Including | null;
  readonly tags?: readonly string[];
  readonly author?: string | null;
  readonly at?: Timestamp | null;
  /** The source's name. */
  readonly registry: string;
  /** Where a person finds it. */
  readonly url: string;
}

/** Registries of vendors know no owner: a tag `owner:NAME` names one, else it is who wrote the version. */
export function registeredVersion(told: ToldVersion): RegisteredVersion {
  const { body, format, settings = {}, including = null, tags = [], author = null } = told;
  const owner = tags.find((tag) => tag.startsWith('owner:'))?.slice('owner:'.length);
  const variantOf = (text: PromptBody): PromptVariant => ({
    model: settings.model ?? '',
    body: text,
    format,
    settings,
    hashes: contentHashes(text),
  });
  const open = including?.open ?? null;
  return {
    prompt: told.prompt,
    version: told.version,
    parent: told.parent ?? null,
    owner: owner ?? author ?? told.registry,
    tags,
    isComponent: false,
    variants: [variantOf(body), ...(open === null ? [] : [variantOf(open)])],
    components: including?.components ?? [],
    metrics: {},
    registry: told.registry,
    origin: { file: told.url, commit: told.version },
    registeredAt: told.at ?? null,
    author,
  };
}
