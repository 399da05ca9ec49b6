/** A match as the contract describes it. What filled the variables is worked out when it is asked for. */

import type { AttributionMatch, ExplainedPiece } from '../contract/attribution.ts';
import { fromByteString } from './byte-string.ts';
import { gapValues } from './indexed-pattern.ts';
import type { IndexedPattern, VariantName } from './indexed-pattern.ts';
import type { RegisteredVariant } from './registered-variants.ts';

/** One message of a variant that was found in a text. */
export interface MatchedMessage {
  readonly pattern: IndexedPattern;
  /** The byte string that the pattern matched. */
  readonly bytes: string;
}

export function renderedMatch(name: VariantName, messages: readonly MatchedMessage[]): AttributionMatch {
  return new RenderedMatch(name, messages);
}

/** A class because most answers are read for their version alone, and a getter costs nothing until then. */
class RenderedMatch implements AttributionMatch {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  readonly literalBytes: number;
  readonly gaps: number;
  readonly hash = null;
  readonly #messages: readonly MatchedMessage[];

  constructor({ prompt, version, model }: VariantName, messages: readonly MatchedMessage[]) {
    this.prompt = prompt;
    this.version = version;
    this.model = model;
    let literalBytes = 0;
    let gaps = 0;
    for (const { pattern } of messages) {
      literalBytes += pattern.literalBytes;
      gaps += pattern.gaps;
    }
    this.literalBytes = literalBytes;
    this.gaps = gaps;
    this.#messages = messages;
  }

  get variables(): AttributionMatch['variables'] {
    return this.#messages.flatMap(({ pattern, bytes }) => valuesByName(pattern, bytes));
  }

  /** What the variables were read from: a message without a gap says nothing about them. */
  get sources(): readonly string[] {
    return this.#messages.flatMap(({ pattern, bytes }) => (pattern.gaps > 0 ? [bytes] : []));
  }

  get pieces(): readonly (readonly ExplainedPiece[])[] {
    return this.#messages.map(({ pattern, bytes }) => piecesOf(pattern, bytes));
  }

  toJSON(): AttributionMatch {
    const { prompt, version, model, literalBytes, gaps, hash, variables } = this;
    return { prompt, version, model, literalBytes, gaps, hash, variables };
  }
}

/**
 * What decides a match's variables: where these strings are equal for two matches of one version,
 * so are the variables. Costs nothing, where the variables themselves have to be cut out of the text.
 */
export function variableSources(match: AttributionMatch): readonly string[] {
  if (match instanceof RenderedMatch) return match.sources;
  return match.variables.flatMap(({ name, value }) => [name, value]);
}

/** The text of each message that a render was found in, as the template's own text and what filled its variables. */
export function explainedPieces(match: AttributionMatch): readonly (readonly ExplainedPiece[])[] {
  return match instanceof RenderedMatch ? match.pieces : [];
}

export function equalMatch(variant: RegisteredVariant, hash: AttributionMatch['hash']): AttributionMatch {
  return {
    ...variant.name,
    literalBytes: variant.messages.reduce((sum, { contentBytes }) => sum + contentBytes, 0),
    gaps: 0,
    hash,
    variables: [],
  };
}

/** Variables without text between them share one gap, and their value can't be divided. */
function valuesByName(pattern: IndexedPattern, bytes: string): { name: string; value: string }[] {
  return gapValues(pattern, bytes).map((value, gap) => ({
    name: (pattern.gapNames[gap] ?? []).join(' + '),
    value: fromByteString(value),
  }));
}

function piecesOf(pattern: IndexedPattern, bytes: string): ExplainedPiece[] {
  const values = valuesByName(pattern, bytes);
  const literals = values.length === 0 ? [pattern.first] : [pattern.first, ...pattern.middleBytes, pattern.last];
  return literals.flatMap((literal, index): ExplainedPiece[] => {
    const filled = values[index];
    return [
      ...(literal === '' ? [] : [{ literal: fromByteString(literal) }]),
      ...(filled === undefined ? [] : [{ variable: filled.name, value: filled.value }]),
    ];
  });
}

/**
 * Whether every name that occurs in several gaps was filled with the same value in each. An exact
 * search for such values is NP-hard, so this looks at one way of filling the gaps, and only breaks
 * ties with it.
 */
export function repeatsAgree(pattern: IndexedPattern, bytes: string): boolean {
  if (!pattern.repeatsNames) return true;
  const names = pattern.gapNames.map((group) => group.join(' + '));
  const values = new Map<string, string>();
  return gapValues(pattern, bytes).every((value, gap) => {
    const name = names[gap] ?? '';
    const known = values.get(name);
    values.set(name, value);
    return known === undefined || known === value;
  });
}
