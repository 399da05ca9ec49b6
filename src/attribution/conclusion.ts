/** From what was found to the answer: one pure decision, each of its branches with its own kind. */

import type { Attribution, AttributionKind, AttributionMatch, NearMatch } from '../contract/attribution.ts';
import type { PromptSettings } from '../contract/prompt.ts';
import { bestCandidates, breakTies, literalBytesOf, matchOf } from './candidate.ts';
import type { Candidate } from './candidate.ts';
import type { Declaration } from './declaration.ts';
import { equalMatch, renderedMatch } from './match-result.ts';
import type { MatchedMessage } from './match-result.ts';
import type { VariantName } from './indexed-pattern.ts';
import type { RegisteredVariant } from './registered-variants.ts';
import { EVIDENCE_BYTES_MIN } from './text-matcher.ts';
import { attributionWords, compatibleWords } from './words.ts';

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
  const supported = declaration?.supportedBy ?? null;
  if (supported !== null && declaration !== null) {
    return answer(supported.hash === null ? 'declared' : 'exact', [matchOf(supported)], { declaration });
  }
  const best = breakTies(bestCandidates(candidates), { prompt: declaration?.prompt, settings });
  const reservation = isIncomplete ? 'the search was cut short, so a better match may exist' : '';
  return answer(kindOf(best), best.slice(0, MATCHES_MAX).map(matchOf), { declaration, reservation });
}

/** The text is a render of one version and of nothing else that is registered. */
export function concludeSole(name: VariantName, message: MatchedMessage): Attribution {
  const match = renderedMatch(name, [message]);
  const words = compatibleWords(match);
  return { kind: 'rendered', matches: [match], near: NONE, contradictsDeclaration: false, words };
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
  if (!deservesNear(attribution) || closest === undefined) return { ...attribution, near };
  const { prompt, version, editedBytes } = closest;
  const words = `no registered version fits; closest is ${prompt} v${version} with an edit of ${editedBytes} bytes`;
  return { ...attribution, kind: 'near', near, words };
}

function withoutContent(declaration: Declaration | null): Attribution {
  const [variant] = declaration?.variants ?? [];
  if (variant === undefined) return answer('unverifiable', [], { declaration });
  return answer('declared', [renderedMatch(variant.name, [])], { declaration });
}

function kindOf(best: readonly Candidate[]): AttributionKind {
  const [leader] = best;
  if (leader === undefined) return 'unknown';
  if (leader.hash === null && literalBytesOf(leader) < EVIDENCE_BYTES_MIN) return 'insufficient_evidence';
  if (best.length > 1) return 'ambiguous';
  return leader.hash === null ? 'rendered' : 'exact';
}

function answer(
  kind: AttributionKind,
  matches: readonly AttributionMatch[],
  { declaration, reservation = '' }: { declaration: Declaration | null; reservation?: string },
): Attribution {
  const contradicts = declaration?.isContradicted ?? false;
  const words = attributionWords({ kind, matches, declared: declaration?.name ?? null, contradicts, reservation });
  return { kind, matches, near: [], contradictsDeclaration: contradicts, words };
}
