/** Model, parameters and tools beside the text: where an observed call differs from what is registered. */

import type { SettingsDifference } from '../contract/attribution.ts';
import type { Json, PromptSettings } from '../contract/prompt.ts';
import { canonicalJson } from '../lib/json.ts';

/** Only what both sides know is compared: an absent setting is unknown, not empty. */
export function settingsDifferences(registered: PromptSettings, observed: PromptSettings): SettingsDifference[] {
  const differences: SettingsDifference[] = [];
  const compare = (setting: string, a: Json | undefined, b: Json | undefined): void => {
    if (a === undefined || b === undefined || canonicalJson(a) === canonicalJson(b)) return;
    differences.push({ setting, registered: a, observed: b });
  };
  if (
    registered.model !== undefined &&
    observed.model !== undefined &&
    !isSameModel(registered.model, observed.model)
  ) {
    differences.push({ setting: 'model', registered: registered.model, observed: observed.model });
  }
  for (const [name, value] of Object.entries(registered.parameters ?? {})) {
    compare(`parameters.${name}`, value, observed.parameters?.[name]);
  }
  compare('tools', registered.tools, observed.tools);
  return differences;
}

export function settingsDiffer(registered: PromptSettings, observed: PromptSettings): boolean {
  return settingsDifferences(registered, observed).length > 0;
}

/** `claude-3-5-sonnet` is what `claude-3-5-sonnet-20241022` and `anthropic/claude-3-5-sonnet` are dated or routed forms of. */
function isSameModel(registered: string, observed: string): boolean {
  return bareModel(registered) === bareModel(observed);
}

function bareModel(model: string): string {
  const withoutRoute = model.toLowerCase().replace(/^.*\//, '');
  return withoutRoute.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '');
}
