/** The registry of sources, and the contract of those that are reached over HTTP. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourcePlugins } from '../../collectors/index.ts';
import { openSources } from '../../src/polling/open-sources.ts';
import { contractSuite } from '../support/sources/contract-suite.ts';
import { LOCAL, sourceFixtures } from '../support/sources/fixtures.ts';

const COLLECTORS = join(import.meta.dirname, '../../collectors');

describe('the registry of sources', () => {
  it('is the listing of the directory, and each file is named by its type', () => {
    const files = readdirSync(COLLECTORS)
      .filter((name) => !['index.ts', 'lib', 'otlp'].includes(name))
      .map((name) => name.replace(/\.ts$/, ''));
    expect(sourcePlugins.map((plugin) => plugin.type)).toEqual(files.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('has a stand-in for each plugin', () => {
    expect(sourceFixtures.map((fixture) => fixture.type)).toEqual(sourcePlugins.map((plugin) => plugin.type));
  });

  it.each(sourcePlugins)('parses the example of $type, and refuses unknown keys', (plugin) => {
    const { config, targets } = plugin.example;
    expect(targets.length).toBeGreaterThan(0);
    const open = (more: object) =>
      openSources(
        [
          {
            name: 'example',
            type: plugin.type,
            environment: 'production',
            everyMs: 30_000,
            timeoutMs: 1_000,
            config: { ...(config as object), ...more },
            targets: targets.map((target, index) => ({
              prompt: `p${index}`,
              config: { ...(target as object), ...more },
            })),
          },
        ],
        sourcePlugins,
        { baseDirectory: '/', cacheDirectory: '/nonexistent' },
      );
    expect(open({})).toHaveLength(1);
    expect(() => open({ no_such_key: 1 })).toThrow(/no_such_key/);
  });
});

contractSuite(sourceFixtures.filter((fixture) => !LOCAL.has(fixture.type)));
