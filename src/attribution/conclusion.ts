/** From what was found to the answer: one pure decision, each of its branches with its own kind. */

import type {
  Attribution,
  AttributionKind,
  AttributionMatch,
  BrokenTie,
  NearMatch,
  SentWhere,
  TieReason,
} from '../contract/attribution.ts';
import type { PromptSettings } from '../contract/prompt.ts';
import { bestCandidates, breakTies, literalBytesOf, matchOf } from './candidate.ts';
import type { Candidate, TieDecision } from './candidate.ts';
import type { Declaration } from './declaration.ts';
import { equalMatch, renderedMatch } from './match-result.ts';
import type { MatchedMessage } from './match-result.ts';
import type { VariantName } from './indexed-pattern.ts';
import type { RegisteredVariant } from './registered-variants.ts';
import { EVIDENCE_BYTES_MIN } from './text-matcher.ts';
import { attributionWords } from './words.ts';

export interface Circumstances {
  readonly declaration?: Declaration | null;
  readonly settings?: PromptSettings | undefined;
  /** The search reached its limit of work. */
  readonly isIncomplete?: boolean;
  /** False where no content was captured. */
  readonly hasContent?: boolean;
}

const NONE: readonly NearMatch[] = [];
// Who is told of a hundred equal versions is not helped.
const MATCHES_MAX = 50;

export function conclude(candidates: readonly Candidate[], circumstances: Circumstances): Attribution {
  const { declaration = null, settings, isIncomplete = false, hasContent = true } = circumstances;
  if (!hasContent) return withoutContent(declaration);
  const supported = declaration?.supportedBy ?? [];
  const tied = supported.length > 0 ? supported : bestCandidates(candidates);
  const decision = breakTies(tied, { prompt: declaration?.prompt, settings });
  const { left } = decision;
  const reservation = isIncomplete ? 'the search was cut short, so a better match may exist' : '';
  const kind = supported.length > 0 && left.length === 1 ? declaredKind(left) : kindOf(left);
  return new Answer(kind, left.slice(0, MATCHES_MAX).map(matchOf), { declaration, reservation, tie: tieOf(decision) });
}

function declaredKind([only]: readonly Candidate[]): AttributionKind {
  return only?.hash === null ? 'declared' : 'exact';
}

function tieOf({ others, because }: TieDecision): BrokenTie | null {
  return because.length === 0 ? null : { because, others: others.slice(0, MATCHES_MAX).map(matchOf) };
}

/** The text is a render of one version and of nothing else that is registered. */
export function concludeSole(name: VariantName, message: MatchedMessage): Attribution {
  return new Answer('rendered', [renderedMatch(name, [message])], NO_CIRCUMSTANCES);
}

/** The text is what the registered template renders with the variables that the emitter sent along. */
export function concludeRendered(
  variant: RegisteredVariant,
  candidate: Candidate | null,
  variables: Readonly<Record<string, string>>,
): Attribution {
  const match: AttributionMatch = {
    ...equalMatch(variant, null),
    literalBytes: candidate === null ? 0 : literalBytesOf(candidate),
    gaps: Object.keys(variables).length,
    variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
  };
  const words = attributionWords({
    kind: 'rendered',
    matches: [match],
    tie: null,
    sent: {},
    declared: null,
    contradicts: false,
    reservation: '',
  });
  const how = 'its template, rendered with the variables that were sent along, is this text';
  return { kind: 'declared', matches: [match], near: [], contradictsDeclaration: false, words: `${words}; ${how}` };
}

/** Whether looking for near misses could tell more. */
export function deservesNear(attribution: Attribution): boolean {
  return attribution.kind === 'unknown' || attribution.kind === 'insufficient_evidence';
}

/** The answer to such a text once it is known to be close to a registered version. */
export function withNear(attribution: Attribution, near: readonly NearMatch[]): Attribution {
  const [closest] = near;
  const beside = besideNear(attribution, near);
  if (!deservesNear(attribution) || closest === undefined) return beside;
  const { prompt, version, editedBytes, isCut } = closest;
  const words =
    isCut === true
      ? `the text is the beginning of ${prompt} v${version} and ends as if it was cut: what follows can't be checked`
      : `no registered version fits; closest is ${prompt} v${version} with an edit of ${editedBytes} bytes`;
  return { ...beside, kind: 'near', words };
}

/** The same answer with near misses beside it. A spread would lose the words, which are made when they are read. */
export function besideNear(attribution: Attribution, near: readonly NearMatch[]): Attribution {
  const { kind, matches, tie = null, contradictsDeclaration, words } = attribution;
  return { kind, matches, near, tie, contradictsDeclaration, words };
}

/** An ambiguous answer of which some matches were set aside. */
export function narrowed(
  attribution: Attribution,
  matches: readonly AttributionMatch[],
  because: readonly TieReason[],
  sent: SentWhere,
): Attribution {
  const known = attribution.tie;
  const others = [...attribution.matches.filter((match) => !matches.includes(match)), ...(known?.others ?? [])];
  const tie = { because: [...(known?.because ?? []), ...because], others };
  return attribution instanceof Answer ? attribution.narrowed(matches, tie, sent) : { ...attribution, matches, tie };
}

function withoutContent(declaration: Declaration | null): Attribution {
  const [variant] = declaration?.variants ?? [];
  const kind = variant === undefined ? 'unverifiable' : 'declared';
  const matches = variant === undefined ? [] : [renderedMatch(variant.name, [])];
  return new Answer(kind, matches, { ...NO_CIRCUMSTANCES, declaration });
}

function kindOf(best: readonly Candidate[]): AttributionKind {
  const [leader] = best;
  if (leader === undefined) return 'unknown';
  if (leader.hash === null && literalBytesOf(leader) < EVIDENCE_BYTES_MIN) return 'insufficient_evidence';
  if (best.length > 1) return 'ambiguous';
  return leader.hash === null ? 'rendered' : 'exact';
}

interface AnswerCircumstances {
  readonly declaration: Declaration | null;
  readonly reservation: string;
  readonly tie: BrokenTie | null;
  /** Of which the words of the tie tell. */
  readonly sent?: SentWhere;
}

const NO_CIRCUMSTANCES: AnswerCircumstances = { declaration: null, reservation: '', tie: null };

/** A class because most answers are read for their version alone, and sentences cost more than finding it. */
class Answer implements Attribution {
  readonly kind: AttributionKind;
  readonly matches: readonly AttributionMatch[];
  readonly near: readonly NearMatch[] = NONE;
  readonly contradictsDeclaration: boolean;
  readonly #circumstances: AnswerCircumstances;

  constructor(kind: AttributionKind, matches: readonly AttributionMatch[], circumstances: AnswerCircumstances) {
    this.kind = kind;
    this.matches = matches;
    this.contradictsDeclaration = circumstances.declaration?.isContradicted ?? false;
    this.#circumstances = circumstances;
  }

  get tie(): BrokenTie | null {
    return this.#circumstances.tie;
  }

  get words(): string {
    const { kind, matches, contradictsDeclaration: contradicts } = this;
    const { declaration, reservation, tie, sent = {} } = this.#circumstances;
    return attributionWords({
      kind,
      matches,
      tie,
      sent,
      declared: declaration?.name ?? null,
      contradicts,
      reservation,
    });
  }

  narrowed(matches: readonly AttributionMatch[], tie: BrokenTie, sent: SentWhere): Answer {
    const [only] = matches;
    const kind = matches.length > 1 ? this.kind : only?.hash === null ? 'rendered' : 'exact';
    return new Answer(kind, matches, { ...this.#circumstances, tie, sent });
  }

  toJSON(): Attribution {
    return besideNear(this, this.near);
  }
}
