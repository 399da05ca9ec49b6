/**
 * A template's own text where a variable's value is: a loop, or an alternation too many, is a gap like
 * a variable, and what fills it holds what the template itself says there. Pure.
 */

import type { PromptVariant } from '../contract/prompt.ts';
import { parseTemplate } from '../templates/index.ts';
import type { TemplateNodes } from '../templates/index.ts';
import { bodyMessages } from '../text/body.ts';
import { EITHER } from './pattern.ts';
import { isLongEnough } from './slot-constancy.ts';
import type { SharedWords } from './slot-constancy.ts';

/** Whether words that values of a gap share may be what the template says in an alternation or a loop. */
export function mayBeOwnText({ body, format }: PromptVariant, gapName: string, { words }: SharedWords): boolean {
  // Which words it is can't be looked at where only hashes are kept.
  if (words === null) return gapName.split(' + ').includes(EITHER);
  let left = words.trim();
  for (const { content } of bodyMessages(body)) {
    const parsed = parseTemplate(content, format);
    if (!parsed.ok) continue;
    const texts = new Set(inConstructs(parsed.template.nodes).map((text) => text.trim()));
    for (const text of texts) {
      if (text.includes(left)) return true;
      // A short one is in any words.
      if (isLongEnough(text)) left = left.replaceAll(text, ' ').trim();
    }
  }
  return !isLongEnough(left);
}

function inConstructs(nodes: TemplateNodes): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'repeat') return textsOf(node.body);
    return node.kind === 'choice' ? node.branches.flatMap(textsOf) : [];
  });
}

function textsOf(nodes: TemplateNodes): string[] {
  return nodes.flatMap((node) => (node.kind === 'literal' ? [node.text] : inConstructs([node])));
}
