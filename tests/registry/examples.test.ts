/** What we show people works: the quick start's registry, and the files in `docs/registry.md`. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPromptFile } from '../../src/registry/prompt-file.ts';
import { planLock } from '../../src/registry/lock.ts';
import { validateRegistry } from '../../src/registry/validate.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the quick start: no problems, and its lockfile is up to date', async () => {
  const { ok, problems, counts, registry } = await validateRegistry({
    roots: [{ files: './prompts' }],
    lockFile: './prompts.lock.yaml',
    baseDirectory: join(ROOT, 'examples/quickstart'),
    signal: new AbortController().signal,
  });
  expect(problems).toEqual([]);
  expect(registry.tampered).toEqual([]);
  expect(ok).toBe(true);
  expect(counts).toMatchObject({ prompts: 4, components: 1, pins: 4 });
  const { present, locked, snapshot } = registry;
  const plan = planLock({ locked, versions: snapshot.versions, present, environment: null, requests: [] });
  expect(plan.changes).toEqual([]);
  const bodies = snapshot.versions.map(({ variants }) => variants[0]);
  expect(bodies.some(({ body }) => body.kind === 'chat')).toBe(true);
  expect(new Set(bodies.map(({ format }) => format)).size).toBeGreaterThanOrEqual(3);
});

const page = readFileSync(join(ROOT, 'docs/registry.md'), 'utf8');
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)]
  .map(([, yaml = '']) => yaml)
  .filter((yaml) => /^id: /m.test(yaml));

test('the documented files are valid', () => {
  expect(examples.length).toBeGreaterThanOrEqual(2);
  expect(examples.flatMap((yaml) => readPromptFile(yaml, 'docs/registry.md').problems)).toEqual([]);
});
