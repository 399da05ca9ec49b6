/** Erases a source plugin's types, so that plugins of different types fit one list. */

import type { AnySourcePlugin, SourcePlugin } from './source.ts';

/**
 * Wraps a typed plugin for `collectors/index.ts`. `open` throws a ZodError on a configuration that
 * does not parse; targets are parsed by the host with the plugin's `target` before they reach it.
 */
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
