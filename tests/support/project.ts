/** A user's directory: the versions of prompts, a configuration, and the lockfile of both. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPlumbline } from './daemon.ts';

export interface VersionDraft {
  readonly id: string;
  readonly version?: number;
  readonly model?: string;
  readonly format?: 'plain' | 'jinja2';
  readonly template: string;
  /** Other keys, one a line. */
  readonly more?: readonly string[];
}

/** The path of the version's file. */
export function writeVersion(
  directory: string,
  { id, version = 1, model = 'gpt-5-mini', format = 'plain', template, more = [] }: VersionDraft,
): string {
  const prompts = join(directory, 'prompts');
  const path = join(prompts, `${id}-${version}.yaml`);
  const lines = [
    `id: ${id}`,
    `version: ${version}`,
    ...(version > 1 ? [`parent: ${version - 1}`] : []),
    'owner: support-team',
    `model: ${model}`,
    'tags: [support]',
    `format: ${format}`,
    ...more,
    `template: ${JSON.stringify(template)}`,
  ];
  mkdirSync(prompts, { recursive: true });
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** `more`: other keys than those of the registry and the store. */
export function writeConfiguration(directory: string, more: readonly string[] = []): void {
  const lines = ['registry: [{ files: ./prompts }]', 'lock: ./prompts.lock.yaml', 'store: { path: ./data }', ...more];
  writeFileSync(join(directory, 'plumbline.yaml'), `${lines.join('\n')}\n`);
}

/** Pins what is registered now. */
export async function lock(directory: string): Promise<void> {
  const { code, stderr } = await runPlumbline(directory, ['lock']);
  if (code !== 0) throw new Error(`plumbline lock ended with ${code}: ${stderr}`);
}
