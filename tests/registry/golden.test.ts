/** One folder per case: `tree/` is a registry, `expected.txt` all that is said about it. New cases need no code. */

import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { formatProblems } from '../../src/lib/problems.ts';
import { loadRegistry, type LoadedRegistry } from '../../src/registry/load.ts';
import { displayBody } from '../../src/text/body.ts';
import { temporaryDirectory } from './git-fixture.ts';

const GOLDEN = join(import.meta.dirname, '../golden/registry');

describe('registry', () => {
  test.each(readdirSync(GOLDEN))('%s', async (name) => {
    // Away from this project's own repository, whose history is no part of the case.
    const baseDirectory = temporaryDirectory();
    cpSync(join(GOLDEN, name, 'tree'), baseDirectory, { recursive: true });
    const lockFile = existsSync(join(baseDirectory, 'prompts.lock.yaml')) ? 'prompts.lock.yaml' : null;
    const signal = new AbortController().signal;
    const loaded = await loadRegistry({ roots: [{ files: 'prompts' }], lockFile, baseDirectory, signal });
    await expect(describeRegistry(loaded)).toMatchFileSnapshot(join(GOLDEN, name, 'expected.txt'));
  });
});

function describeRegistry(loaded: LoadedRegistry): string {
  const pins = loaded.snapshot.pins.map(({ environment, prompt, version, origin }) => {
    return `${origin.file}:${origin.line} ${environment} ${prompt}@${version}`;
  });
  return [
    `PROBLEMS\n${formatProblems(loaded.problems)}`,
    `NOTES\n${loaded.notes.join('\n')}`,
    `PINS\n${pins.join('\n')}`,
    ...loaded.snapshot.versions.map(describeVersion),
  ].join('\n\n');
}

function describeVersion(version: RegisteredVersion): string {
  const { prompt, version: number, parent, owner, isComponent, origin, components } = version;
  const head = `${isComponent ? 'COMPONENT' : 'VERSION'} ${prompt}@${number} of ${owner}, parent ${parent}, ${origin.file}:${origin.line}`;
  const uses = components.map(({ id, version: its }) => `${id}@${its}`).join(', ');
  const variants = version.variants.map(({ model, format, settings, body }) => {
    return `[[${model} ${format} ${JSON.stringify(settings)}]]\n${displayBody(body)}`;
  });
  return [head + (uses === '' ? '' : `, uses ${uses}`), ...variants].join('\n');
}
