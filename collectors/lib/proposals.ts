/** Proposes targets out of a place of texts: what is no text, or more than a prompt can be, is passed over. */

import { Fault } from '../../src/contract/fault.ts';
import type { DiscoverPower, LiveContent } from '../../src/contract/source.ts';
import { textBody } from '../../src/text/body.ts';

/** Longer than any prompt, and shorter than most of what else is kept beside prompts. */
export const PROPOSAL_BYTES_MAX = 256 * 1024;

// As many as `plumbline discover` shows, and a few.
const LOOKED_AT_MAX = 20_000;

/** What the endings of names say of the form of a text, and not of the prompt. */
const ENDING = /\.(txt|md|markdown|prompt|ya?ml|json|j2|jinja2?|hbs|handlebars|mustache|liquid|tmpl|tpl)$/i;

export interface FoundText<Target> {
  /** Where it is, below what was looked through. */
  readonly path: string;
  readonly target: Target;
  /** Null when there is none, or it is no text. */
  readonly text: string | null;
  readonly more?: Omit<LiveContent, 'body'>;
}

/** `look` lists what there is; a place that is too large to look through is a `Fault` and no half of a list. */
export function proposeTexts<Target>(look: (signal: AbortSignal) => AsyncIterable<FoundText<Target>>): DiscoverPower {
  return {
    discover: async function* (signal) {
      let seen = 0;
      for await (const { path, target, text, more } of look(signal)) {
        seen += 1;
        if (seen > LOOKED_AT_MAX) throw tooMany();
        if (text === null || !looksLikeText(text)) continue;
        yield { name: promptName(path), target, content: { body: textBody(text), ...more } };
      }
    },
  };
}

/** For a place that lists names before it gives texts. */
export function tooMany(): Fault {
  return new Fault('permanent', `There are more than ${LOOKED_AT_MAX} things to look at.`, {
    hint: 'Say with `discover` more narrowly where the prompts are.',
  });
}

function promptName(path: string): string {
  return path.replace(/^[/:.]+/, '').replace(ENDING, '');
}

/** Bytes that are no text became U+FFFD, or hold a NUL. */
function looksLikeText(text: string): boolean {
  return text.trim() !== '' && Buffer.byteLength(text) <= PROPOSAL_BYTES_MAX && !/[\0\uFFFD]/.test(text);
}

/** Names in groups as large as a place takes in one question. */
export async function* inGroups<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<readonly Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
