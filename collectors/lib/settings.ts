/** Settings of a model call from what an API tells; what it does not tell is left out. Pure. */

import type { Json, PromptSettings } from '../../src/contract/prompt.ts';

export function settingsFrom(told: {
  readonly model?: unknown;
  readonly parameters?: unknown;
  readonly tools?: unknown;
}): { readonly settings?: PromptSettings } {
  const { model, parameters, tools } = told;
  const given = Object.entries(isRecord(parameters) ? parameters : {}).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  const settings: PromptSettings = {
    ...(typeof model === 'string' && model !== '' ? { model } : {}),
    ...(given.length === 0 ? {} : { parameters: Object.fromEntries(given) as Record<string, Json> }),
    ...(Array.isArray(tools) && tools.length > 0 ? { tools: tools as Json[] } : {}),
  };
  return Object.keys(settings).length === 0 ? {} : { settings };
}

/** A free object in which a model, tools and parameters lie side by side. */
export function settingsFromConfig(config: unknown): { readonly settings?: PromptSettings } {
  if (!isRecord(config)) return {};
  const { model, tools, ...parameters } = config;
  return settingsFrom({ model, tools, parameters });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
