/** Registers what a source holds and nobody registered: as YAML files below the first folder of the registry. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createAttributor } from '../../attribution/index.ts';
import type { FoundPrompt } from '../../cli/discovery-report.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { AttributionQuery } from '../../contract/attribution.ts';
import { Fault } from '../../contract/fault.ts';
import { makeDirectory } from '../../lib/files.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { LiveContent } from '../../contract/source.ts';
import { firstVersion } from '../../registry/first-version.ts';
import type { DiscoveredItem } from './discovery-plan.ts';

interface NewFile {
  readonly file: string;
  readonly text: string;
  readonly version: RegisteredVersion;
}

export interface FirstVersions {
  readonly written: readonly NewFile[];
  readonly ids: ReadonlySet<string>;
  /** All that is registered, the new ones too. */
  readonly versions: readonly RegisteredVersion[];
  /** With what attribution says once the new ones are registered. */
  readonly items: readonly DiscoveredItem[];
  readonly notes: readonly string[];
}

export interface FirstVersionsOptions {
  readonly configuration: Pick<Configuration, 'registryDirectories'>;
  /** Null: nothing is registered. */
  readonly owner: string | null;
}

/** `fresh`: those of the items that nobody registered. Plans only. Throws a `Fault` when there is no folder to write to. */
export function registerFirst(
  items: readonly DiscoveredItem[],
  fresh: ReadonlySet<DiscoveredItem>,
  type: string,
  registry: { readonly versions: readonly RegisteredVersion[] },
  { configuration, owner }: FirstVersionsOptions,
): FirstVersions {
  const nothing = { written: [], ids: new Set<string>(), versions: registry.versions, items, notes: [] };
  if (owner === null || fresh.size === 0) return nothing;
  const [folder] = configuration.registryDirectories;
  if (folder === undefined) {
    throw new Fault('config', 'There is no folder to register prompts in.', {
      hint: 'Add `- files: ./prompts` below `registry:` in plumbline.yaml.',
    });
  }
  const taken = new Set(registry.versions.map((version) => version.prompt));
  const written: NewFile[] = [];
  const notes: string[] = [];
  for (const { name, content } of fresh) {
    const first = firstVersion(foundText(name, content), { owner, tags: [type], taken });
    if (first === null) {
      notes.push(`${name} can't be registered: it has no text.`);
      continue;
    }
    taken.add(first.version.prompt);
    written.push({ ...first, file: join(folder, first.file) });
  }
  const versions = [...registry.versions, ...written.map(({ version }) => version)];
  const ids = new Set(written.map(({ version }) => version.prompt));
  return { written, ids, versions, notes, items: attributedAnew(items, versions, fresh) };
}

function foundText(name: string, { body, settings = {} }: LiveContent) {
  return { name, body, settings };
}

function attributedAnew(
  items: readonly DiscoveredItem[],
  versions: readonly RegisteredVersion[],
  fresh: ReadonlySet<DiscoveredItem>,
): readonly DiscoveredItem[] {
  const attributor = createAttributor();
  attributor.addAll(versions.filter((version) => !version.isComponent));
  return items.map((item) =>
    fresh.has(item) ? { ...item, attribution: attributor.attribute(queryOf(item.content)), near: [] } : item,
  );
}

export function queryOf({ body }: LiveContent): AttributionQuery {
  return body.kind === 'text' ? { text: body.text } : { messages: body.messages };
}

/** What is said of a prompt that is about to be registered: it is not yet. */
export function asNew(prompt: FoundPrompt, { written }: FirstVersions): FoundPrompt {
  const file = written.find(({ version }) => version.prompt === prompt.prompt);
  if (file === undefined || prompt.status !== 'matched') return prompt;
  return { ...prompt, status: 'unregistered', words: `nobody registered it; version 1 for ${file.version.owner}` };
}

/** Never over a file that is there. */
export async function writeFirst({ written }: FirstVersions): Promise<readonly string[]> {
  for (const { file, text } of written) {
    await makeDirectory(dirname(file));
    await writeFile(file, text, { flag: 'wx' }).catch((error: unknown) => {
      throw new Fault('config', `${file} can't be written: ${error instanceof Error ? error.message : String(error)}`, {
        hint: 'Move it away, or give its prompt the name that it has there.',
      });
    });
  }
  return written.map(({ file }) => file);
}
