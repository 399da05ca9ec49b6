/** `registry:` names folders and sources, and each source that it names is there. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourcePlugins } from '../../collectors/index.ts';
import { checkConfiguration, type LoadedConfiguration } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/problems.ts';
import { parseYaml } from '../../src/lib/yaml.ts';

function load(registry: string): LoadedConfiguration {
  const text = `registry: ${registry}\nsources:\n  - { name: prod-langfuse, type: langfuse, environment: production, public_key: pk, secret_key: sk-secret }\n`;
  return checkConfiguration(
    parseYaml(text, 'plumbline.yaml'),
    '/etc/plumbline.yaml',
    { sources: sourcePlugins, channels: [] },
    {},
  );
}

function problems(registry: string): string[] {
  const loaded = load(registry);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

test('folders and sources come out apart, each in its order', () => {
  const loaded = load('[{ source: prod-langfuse }, { files: ./b }, { files: a }]');
  if (!loaded.ok) throw new Error(problems('').join('\n'));
  expect(loaded.configuration).toMatchObject({
    registryDirectories: [join('/etc', 'b'), join('/etc', 'a')],
    registrySources: ['prod-langfuse'],
  });
});

test.each([
  ['[{ source: prod-langfus }]', /registry\[?\.?0\]?\.source.*not configured.*Did you mean prod-langfuse\?/s],
  ['[{ source: prod-langfuse }, { source: prod-langfuse }]', /a second time/],
  ['[{ source: prod-langfuse, files: ./a }]', /either `files` or `source`/],
  ['[{}]', /either `files` or `source`/],
])('%s is a problem', (registry, words) => {
  expect(problems(registry)).toHaveLength(1);
  expect(problems(registry)[0]).toMatch(words);
});
