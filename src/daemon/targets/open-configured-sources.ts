/** Opens the sources that the configuration names. */

import { join } from 'node:path';
import { sourcePlugins } from '../../../collectors/index.ts';
import type { Configuration } from '../../config/configuration.ts';
import { openSources } from '../../polling/open-sources.ts';
import type { OpenSource } from '../../polling/source-config.ts';

/** Throws a `Fault` of kind `config` that lists every problem. */
export function openConfiguredSources(configuration: Configuration): readonly OpenSource[] {
  const cacheDirectory = join(configuration.dataDirectory, 'sources');
  return openSources(
    configuration.sources.map((source) => ({ ...source, secrets: configuration.secrets })),
    sourcePlugins,
    { baseDirectory: configuration.baseDirectory, cacheDirectory, childEnvironment: configuration.childEnvironment },
  );
}
