/** Erases a source plugin's types, so that plugins of different types fit one list. Targets are parsed by the host. */

import type { AnySourcePlugin, Source, SourcePlugin } from './source.ts';

/** Wraps a typed plugin for `collectors/index.ts`. `open` throws a ZodError on a configuration that does not parse. */
export function sourcePlugin<Config, Target>(plugin: SourcePlugin<Config, Target>): AnySourcePlugin {
  return {
    type: plugin.type,
    summary: plugin.summary,
    config: plugin.config,
    target: plugin.target,
    example: plugin.example,
    open: (config, context) => plugin.create(plugin.config.parse(config), context),
  };
}
