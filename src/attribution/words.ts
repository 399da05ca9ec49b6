/**
 * Answers in one sentence that promises no more than is known. A text that fits a template may
 * still be an edited one, where the edit hides beside a variable: so "compatible with", never "is".
 */

import type { AttributionKind, AttributionMatch, BrokenTie, SentWhere, TieReason } from '../contract/attribution.ts';

export interface WordsInput {
  readonly kind: AttributionKind;
  readonly matches: readonly AttributionMatch[];
  readonly tie: BrokenTie | null;
  readonly sent: SentWhere;
  readonly declared: string | null;
  readonly contradicts: boolean;
  /** What limits the answer, as a clause; empty if nothing does. */
  readonly reservation: string;
}

export function attributionWords(input: WordsInput): string {
  const { declared, contradicts, reservation, tie, sent } = input;
  const parts = [sentence(input)];
  if (tie !== null) parts.push(tieWords(tie, sent));
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
      if (best?.literalBytes === 0) return `declared ${name(best)}; there is nothing to check it with`;
      return `declared ${declared ?? name(best)}, and the text is compatible with it, ${evidence}`;
    case 'rendered':
      return best === undefined ? '' : `compatible with ${name(best)}, ${evidence}`;
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

function sameness(match: AttributionMatch): string {
  if (match.hash === 'transport') return 'the same text, re-encoded, as';
  return match.hash === 'cosmetic' ? 'apart from white space the same text as' : 'identical to';
}

/** Says that the text alone did not decide, and what did. */
function tieWords({ others, because }: BrokenTie, sent: SentWhere): string {
  const reasons = because.map((reason) => TIE_WORDS[reason](sent));
  return `it fits ${listed(others)} as well: set aside because ${reasons.join(', and ')}`;
}

const TIE_WORDS: Readonly<Record<TieReason, (sent: SentWhere) => string>> = {
  declared_prompt: () => 'another prompt is declared',
  repeated_variables: () => 'a variable of theirs would have several values',
  settings: () => 'model, parameters or tools of the call are not theirs',
  pinned: ({ environment }) => `the pin of ${environment ?? 'the environment'} names another`,
  registered: () => 'they were registered only after the call',
  service: ({ service }) => `calls of ${service ?? 'the service'} usually carry another prompt`,
};

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
