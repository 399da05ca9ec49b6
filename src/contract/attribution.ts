/** Which registered version a text is an instance of, and how we know. */

import type { PromptMessage, PromptSettings } from './prompt.ts';

export const ATTRIBUTION_KINDS = [
  'declared',
  'exact',
  'rendered',
  'near',
  'ambiguous',
  'unknown',
  'insufficient_evidence',
  'unverifiable',
] as const;
export type AttributionKind = (typeof ATTRIBUTION_KINDS)[number];

/** What is asked: one text or a chat, and what the emitter itself declared. */
export interface AttributionQuery {
  readonly text?: string;
  readonly messages?: readonly PromptMessage[];
  readonly declared?: { readonly prompt: string; readonly version?: string | undefined };
  /** The template and variables, where the span carries them: then it is rendered and compared. */
  readonly template?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Model, parameters and tools of the call, where known: they choose between versions with equal texts. */
  readonly settings?: PromptSettings;
}

export interface AttributionMatch {
  readonly prompt: string;
  readonly version: string;
  /** The variant's model; a version with one model has one variant. */
  readonly model: string;
  /** Bytes of the template's own text that were found, in order. The weight of the evidence. */
  readonly literalBytes: number;
  /** How many variables were filled in. */
  readonly gaps: number;
  /** Which hash was equal, when the text is the template itself; null for a rendered text. */
  readonly hash: 'strict' | 'transport' | 'cosmetic' | null;
  /** What filled the gaps, in order; a name may occur twice. */
  readonly variables: readonly { readonly name: string; readonly value: string }[];
}

export interface NearMatch {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  /** Literal bytes that had to be inserted or deleted. */
  readonly editedBytes: number;
  /** Unified diff from the registered template to what was seen. */
  readonly diff: string;
}

export interface Attribution {
  readonly kind: AttributionKind;
  /** Best first. One for declared, exact and rendered; all that tie for ambiguous. */
  readonly matches: readonly AttributionMatch[];
  readonly near: readonly NearMatch[];
  /** True when the emitter declared a version and the text is not an instance of it. */
  readonly contradictsDeclaration: boolean;
  /** One sentence that promises no more than is known, e.g. `compatible with v7, 812 literal bytes`. */
  readonly words: string;
}
