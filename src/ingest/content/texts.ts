/**
 * The long texts of telemetry: hashed once, written once, and remembered for a while, so that a
 * text that repeats (system prompts, histories) costs one map lookup. One instance per content
 * policy: the same text is another one after redaction.
 */

import { countCutTexts } from '../metrics.ts';
import { hash as digest } from 'node:crypto';
import type { ContentHash } from '../../contract/prompt.ts';
import { PrintedCache } from '../../lib/printed-cache.ts';
import { printOfHash, printOfText } from '../../lib/printed-table.ts';
import { NEVER_STORED, NOTHING_TO_STORE, type Storable } from './outbox.ts';
import { redact, type ContentPolicy } from './policy.ts';
import { looksLikeReference, reference } from '../../text/reference.ts';

export interface TextLimits {
  /** Longer texts are cut, with a mark; their hash is that of the whole. */
  readonly textCharactersMax: number;
  /** Characters of texts that are remembered, so that they are neither hashed nor written again. */
  readonly rememberedCharactersMax: number;
}

export const DEFAULT_TEXT_LIMITS: TextLimits = {
  textCharactersMax: 1024 * 1024,
  rememberedCharactersMax: 24 * 1024 * 1024,
};

/** Shorter ones stay where they are: a reference is 73 characters that do not compress. */
export const INLINE_CHARACTERS_MAX = 160;

export interface StoredText extends Storable {
  readonly hash: ContentHash;
  readonly reference: string;
  /** After redaction, and cut if it was too long. In memory only, when the policy is `hash_only`. */
  readonly text: string;
  readonly mayBeStored: boolean;
  /** JSON of the packed message with this text alone, and of which role; of the last one seen. */
  message: { readonly role: string; readonly json: string } | null;
  /** In which generation of what is remembered by hash it was last put there. */
  generation: number;
}

function lengthOf({ text }: StoredText): number {
  return text.length;
}

export class TextMemory {
  readonly policy: ContentPolicy;
  readonly #limits: TextLimits;
  /** By the text as it came, apart for each form. */
  readonly #byText: Readonly<Record<'t' | 'j', PrintedCache<StoredText>>>;
  readonly #byHash: PrintedCache<StoredText>;

  constructor(policy: ContentPolicy, limits: TextLimits) {
    this.policy = policy;
    this.#limits = limits;
    const { rememberedCharactersMax } = limits;
    const byText = (): PrintedCache<StoredText> => new PrintedCache(rememberedCharactersMax, printOfText);
    this.#byText = { t: byText(), j: byText() };
    this.#byHash = new PrintedCache(rememberedCharactersMax, printOfHash);
  }

  /** Whether a text of a sender has to become a reference. */
  mustReference(text: string): boolean {
    return text.length > INLINE_CHARACTERS_MAX || this.policy.mode === 'hash_only' || looksLikeReference(text);
  }

  /** A short text that stays in place, after redaction. */
  inline(text: string): string {
    return this.policy.mode === 'redacted' ? redact(text, this.policy.rules) : text;
  }

  remember(original: string, form: 't' | 'j' = 't'): StoredText {
    const byText = this.#byText[form];
    const known = byText.get(original, lengthOf);
    if (known !== undefined) {
      this.#keepByHash(known);
      return known;
    }
    const whole = this.inline(original);
    const hash: ContentHash = `sha256:${digest('sha256', whole, 'hex')}`;
    const mayBeStored = this.policy.mode !== 'hash_only';
    const ofHash = reference(mayBeStored ? form : 'h', hash);
    const again = this.#byHash.get(hash, lengthOf);
    if (again?.reference === ofHash) {
      byText.set(original, again, original.length);
      return again;
    }
    const entry: StoredText = {
      hash,
      reference: ofHash,
      // Emitters cut texts between the halves of a surrogate pair; the hash is of this very form.
      text: this.#cut(whole.toWellFormed(), hash),
      mayBeStored,
      storedIn: mayBeStored ? NEVER_STORED : NOTHING_TO_STORE,
      claimedBy: null,
      message: null,
      generation: -1,
    };
    this.#keepByHash(entry);
    byText.set(original, entry, original.length);
    return entry;
  }

  /** The text of a hash, while it is remembered. */
  textOf(hash: ContentHash): string | undefined {
    return this.storedText(hash)?.text;
  }

  /** While it is remembered. */
  storedText(hash: ContentHash): StoredText | undefined {
    return this.#byHash.get(hash, lengthOf);
  }

  /** A text that comes again and again is asked for by its hash as well, when its calls are settled. */
  #keepByHash(entry: StoredText): void {
    const { generation } = this.#byHash;
    if (entry.generation === generation) return;
    entry.generation = generation;
    this.#byHash.set(entry.hash, entry, lengthOf(entry));
  }

  #cut(text: string, hash: ContentHash): string {
    const { textCharactersMax } = this.#limits;
    if (text.length <= textCharactersMax) return text;
    countCutTexts(1);
    // Never between the halves of a surrogate pair.
    const end = /[\uD800-\uDBFF]/.test(text.charAt(textCharactersMax - 1)) ? textCharactersMax - 1 : textCharactersMax;
    return `${text.slice(0, end)}\n[cut: ${text.length} characters in all, ${hash}]`;
  }
}
