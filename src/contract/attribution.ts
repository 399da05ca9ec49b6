/** Which registered version a text is an instance of, and how we know. */

import type { Json, PromptMessage, PromptSettings } from './prompt.ts';
import type { Timestamp } from './time.ts';

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
  /** When, where and by whom it was sent, where known: evidence only between versions that fit equally well. */
  readonly sent?: SentWhere;
}

export interface SentWhere {
  readonly at?: Timestamp | undefined;
  readonly environment?: string | undefined;
  readonly service?: string | undefined;
}

/**
 * What speaks for one of several versions that a text fits equally well, in the order in which it is
 * asked. None of it is in the text.
 *
 * - `declared_prompt`: the emitter declares its prompt.
 * - `repeated_variables`: a variable that occurs several times has one value everywhere.
 * - `settings`: model, parameters and tools are those of the call.
 * - `pinned`: the environment's pin names it, and is not younger than the call.
 * - `registered`: the others were registered only after the call.
 * - `service`: other calls of the service carry its prompt.
 */
export const TIE_REASONS = [
  'declared_prompt',
  'repeated_variables',
  'settings',
  'pinned',
  'registered',
  'service',
] as const;
export type TieReason = (typeof TIE_REASONS)[number];

export interface BrokenTie {
  readonly because: readonly TieReason[];
  /** What the text fits just as well. */
  readonly others: readonly AttributionMatch[];
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
  /** The text is the beginning of a render and ends as if an exporter had cut it: no evidence of an edit. */
  readonly isCut?: true;
}

export interface Attribution {
  readonly kind: AttributionKind;
  /** Best first. One for declared, exact and rendered; all that tie for ambiguous. */
  readonly matches: readonly AttributionMatch[];
  readonly near: readonly NearMatch[];
  /** Set where `matches` are not all that the text fits equally well. */
  readonly tie?: BrokenTie | null;
  /** True when the emitter declared a version and the text is not an instance of it. */
  readonly contradictsDeclaration: boolean;
  /** One sentence that promises no more than is known, e.g. `compatible with v7, 812 literal bytes`. */
  readonly words: string;
}

/** A piece of a text: the template's own, or what filled a variable. */
export type ExplainedPiece = { readonly literal: string } | { readonly variable: string; readonly value: string };

/** Where a call's model, parameters or tools are not what is registered. */
export interface SettingsDifference {
  /** `model`, `tools`, or `parameters.` and a name. */
  readonly setting: string;
  readonly registered: Json;
  readonly observed: Json;
}

export interface ExplainedMatch {
  readonly match: AttributionMatch;
  /** The messages that were found, each from its beginning to its end; none where only a hash is equal. */
  readonly messages: readonly (readonly ExplainedPiece[])[];
  /** Of what the call and the registry both state; none where the call's settings are not known. */
  readonly settings: readonly SettingsDifference[];
}

/** An answer with everything that it rests on, for a person. */
export interface Explanation {
  readonly attribution: Attribution;
  /** The first few of the answer's matches. */
  readonly matches: readonly ExplainedMatch[];
  /** Other versions that the text is compatible with, the strongest evidence first. */
  readonly competing: readonly AttributionMatch[];
}
