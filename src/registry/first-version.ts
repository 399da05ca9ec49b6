/** Writes down as the first version of a prompt what a place holds and nobody registered. Pure. */

import { stringify } from 'yaml';
import type { PromptBody, PromptSettings, RegisteredVersion, TemplateFormat } from '../contract/prompt.ts';
import { canonicalBody } from '../text/body.ts';
import { contentHashes } from '../text/hashes.ts';
import { readPromptFile } from './prompt-file.ts';

export interface FoundText {
  /** What its place calls it. */
  readonly name: string;
  readonly body: PromptBody;
  readonly settings: PromptSettings;
}

export interface FirstVersionOptions {
  readonly owner: string;
  readonly tags: readonly string[];
  /** Ids that are taken. */
  readonly taken: ReadonlySet<string>;
}

export interface FirstVersion {
  /** Below the folder of the registry. */
  readonly file: string;
  readonly text: string;
  readonly version: RegisteredVersion;
}

const REGISTRY = 'files';
const VERSION = '1';
const ID_CHARACTERS_MAX = 150;
/** Who can't tell the model is asked by nobody: the text is what is compared. */
const UNKNOWN_MODEL = 'unknown';

/** Null for what can't be a registered prompt: a text that is empty. */
export function firstVersion(found: FoundText, { owner, tags, taken }: FirstVersionOptions): FirstVersion | null {
  const id = freeId(found.name, taken);
  const file = `${id}.yaml`;
  const { body, settings } = found;
  const model = settings.model ?? UNKNOWN_MODEL;
  for (const format of formatsOf(body)) {
    const text = stringify(
      {
        id,
        version: Number(VERSION),
        owner,
        model,
        tags,
        format,
        ...(settings.parameters === undefined ? {} : { parameters: settings.parameters }),
        ...(settings.tools === undefined ? {} : { tools: settings.tools }),
        ...(body.kind === 'text' ? { template: body.text } : { messages: body.messages }),
      },
      { lineWidth: 0 },
    );
    const read = readPromptFile(text, file);
    const kept = read.source?.draft.variants[0].body;
    if (kept === undefined || canonicalBody(kept) !== canonicalBody(body)) continue;
    const variant = { model, body, format, settings: { ...settings, model }, hashes: contentHashes(body) };
    const version: RegisteredVersion = {
      prompt: id,
      version: VERSION,
      parent: null,
      owner,
      tags,
      isComponent: false,
      variants: [variant],
      components: [],
      metrics: {},
      registry: REGISTRY,
      origin: { file },
      registeredAt: null,
      author: null,
    };
    return { file, text, version };
  }
  return null;
}

/** The likeliest first. A text is always plain, if it is nothing else. */
function formatsOf(body: PromptBody): readonly TemplateFormat[] {
  const text = canonicalBody(body);
  if (/\{%[\s\S]*?%\}/.test(text)) return ['jinja2', 'plain'];
  return /\{\{[\s\S]*?\}\}/.test(text) ? ['mustache', 'plain'] : ['plain'];
}

/** A name of a place as an id: what an id may not hold becomes a dash. */
function freeId(name: string, taken: ReadonlySet<string>): string {
  const parts = name
    .split('/')
    .map((part) => part.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, ''));
  const id = parts
    .filter((part) => part !== '')
    .join('/')
    .slice(0, ID_CHARACTERS_MAX)
    .replace(/[^A-Za-z0-9]+$/, '');
  const base = id === '' ? 'prompt' : id;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
