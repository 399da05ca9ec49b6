/**
 * A registered template with words put beside one of its variables: what an edit that hides there
 * looks like to a person. Pure.
 */

import type { PromptBody } from '../contract/prompt.ts';
import { mapBody } from '../text/body.ts';
import type { HiddenEdit } from './hidden-edit.ts';

/** Null where the template has no such expression, as when a loop prints it under another name. */
export function withWordsBeside(body: PromptBody, { name, occurrence, shared }: HiddenEdit): PromptBody | null {
  if (shared.words === null) return null;
  const { words, where } = shared;
  // Variables without text between them share a value: words before it stand before the first, others behind the last.
  const names = name.split(' + ');
  const expression = expressionOf((where === 'start' ? names[0] : names.at(-1)) ?? name);
  let seen = 0;
  let isFound = false;
  const edited = mapBody(body, (text) =>
    text.replace(expression, (found) => {
      seen += 1;
      if (seen !== occurrence + 1) return found;
      isFound = true;
      return where === 'start' ? `${words}${found}` : `${found}${words}`;
    }),
  );
  return isFound ? edited : null;
}

/** As any of the formats writes it: `{{ name }}`, `{{{name}}}`, `{name:>8}`, `${name}`. */
function expressionOf(name: string): RegExp {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\$?\\{{1,3}[-~&+]?\\s*${escaped}(?![\\w.])[^{}]*\\}{1,3}`, 'g');
}
