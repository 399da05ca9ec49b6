/**
 * Answers in one sentence that promises no more than is known. A text that fits a template may
 * still be an edited one, where the edit hides beside a variable: so "compatible with", never "is".
 */

import type { Attribution, AttributionKind, AttributionMatch, NearMatch } from '../contract/attribution.ts';

export interface WordsInput {
  readonly kind: AttributionKind;
  readonly matches: readonly AttributionMatch[];
  readonly declared: string | null;
  readonly contradicts: boolean;
  /** What limits the answer, as a clause; empty if nothing does. */
  readonly reservation: string;
}

export function attributionWords(input: WordsInput): string {
  const { declared, contradicts, reservation } = input;
  const parts = [sentence(input)];
  if (contradicts && declared !== null) parts.push(`the text contradicts the declared ${declared}`);
  if (reservation !== '') parts.push(reservation);
  return parts.join('; ');
}

function sentence({ kind, matches, declared }: WordsInput): string {
  const [best] = matches;
  const evidence = best === undefined ? '' : bytes(best.literalBytes);
  switch (kind) {
    case 'exact':
      return best === undefined ? 'equal to a registered text' : `${sameness(best)} ${name(best)}`;
    case 'declared':
      if (best?.literalBytes === 0) return `declared ${name(best)}; nothing was captured to check it with`;
      return `declared ${declared ?? name(best)}, and the text is compatible with it, ${evidence}`;
    case 'rendered':
      return best === undefined ? '' : compatibleWords(best);
    case 'near':
      return 'no registered version fits; close to one with an edit';
    case 'ambiguous':
      return `compatible with ${matches.length} versions alike, ${evidence}: ${listed(matches)}`;
    case 'insufficient_evidence':
      return `insufficient evidence: compatible with ${listed(matches)}, but only ${evidence}`;
    case 'unverifiable':
      return declared === null
        ? 'no content was captured'
        : `declared ${declared}; no content was captured to check it`;
    case 'unknown':
    default:
      return 'no registered version fits this text';
  }
}

export function compatibleWords(match: AttributionMatch): string {
  return `compatible with ${name(match)}, ${bytes(match.literalBytes)}`;
}

function sameness(match: AttributionMatch): string {
  if (match.hash === 'transport') return 'the same text, re-encoded, as';
  return match.hash === 'cosmetic' ? 'apart from white space the same text as' : 'identical to';
}

const LISTED_MAX = 5;

function listed(matches: readonly AttributionMatch[]): string {
  const names = matches.slice(0, LISTED_MAX).map(name);
  const more = matches.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

function name(match: AttributionMatch | undefined): string {
  return match === undefined ? 'it' : versionName(match.prompt, match.version);
}

export function versionName(prompt: string, version: string): string {
  return `${prompt} v${version}`;
}

function bytes(count: number): string {
  return count === 1 ? '1 literal byte' : `${count} literal bytes`;
}

const VALUE_CHARACTERS_MAX = 120;

/** The whole answer for a terminal: the sentence, what filled the variables, and the edits of near matches. */
export function explain(attribution: Attribution): string {
  const lines = [`${attribution.kind}: ${attribution.words}`];
  for (const match of attribution.matches) {
    const gaps = match.gaps === 1 ? '1 variable' : `${match.gaps} variables`;
    lines.push('', `${name(match)} (${match.model}): ${bytes(match.literalBytes)}, ${gaps}`);
    for (const variable of match.variables) lines.push(`  ${variable.name} = ${shortened(variable.value)}`);
  }
  for (const near of attribution.near) lines.push('', nearWords(near), near.diff.trimEnd());
  return `${lines.join('\n')}\n`;
}

export function nearWords(near: NearMatch): string {
  return `${versionName(near.prompt, near.version)} (${near.model}) with an edit of ${bytes(near.editedBytes)}:`;
}

function shortened(value: string): string {
  const quoted = JSON.stringify(value);
  return quoted.length <= VALUE_CHARACTERS_MAX ? quoted : `${quoted.slice(0, VALUE_CHARACTERS_MAX)}… (${value.length})`;
}
