/**
 * How a text that is stored elsewhere is written inside facts and messages. A reference is a
 * string where a text would be, so that packed facts are still facts: equal texts have equal
 * references, and settling needs no content.
 *
 * The first character is U+0001, then the form, then the SHA-256 of the whole text. No text of a
 * sender is ever left in place when it begins with U+0001.
 */

import type { ContentHash } from '../contract/prompt.ts';

/**
 * - `t`: a text, kept in `texts`.
 * - `j`: JSON, kept there in its serialised form.
 * - `h`: only the hash was kept (content policy `hash_only`).
 */
export type ReferenceForm = 't' | 'j' | 'h';

const MARK = '\u0001';
const MARK_CODE = 1;

export function reference(form: ReferenceForm, hash: ContentHash): string {
  return MARK + form + hash;
}

/** True for any text that has to be referenced whatever its length. */
export function looksLikeReference(text: string): boolean {
  return text.charCodeAt(0) === MARK_CODE;
}

export function parseReference(text: string): { readonly form: ReferenceForm; readonly hash: ContentHash } | null {
  if (!looksLikeReference(text)) return null;
  return { form: text.charAt(1) as ReferenceForm, hash: text.slice(2) as ContentHash };
}
