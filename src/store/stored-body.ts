/** Prompt bodies as they lie in `texts`: their canonical form under their strict hash. Pure. */

import type { PromptBody } from '../contract/prompt.ts';
import { chatBody, textBody } from '../text/body.ts';

/** The reverse of `canonicalBody`. */
export function bodyFromCanonical(kind: string, content: string): PromptBody {
  if (kind !== 'chat') return textBody(content);
  const pairs = JSON.parse(content) as readonly (readonly [string, string])[];
  return chatBody(pairs.map(([role, text]) => ({ role, content: text })));
}
