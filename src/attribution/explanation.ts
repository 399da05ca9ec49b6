/** Everything that an answer rests on: where the template's text stands, what filled its variables, what else would fit. Pure. */

import type { Attribution, AttributionMatch, AttributionQuery, Explanation } from '../contract/attribution.ts';
import { matchOf, rankedCandidates } from './candidate.ts';
import type { Candidate } from './candidate.ts';
import { explainedPieces } from './match-result.ts';
import { settingsDifferences } from './settings.ts';

// Each repeats the whole text.
const EXPLAINED_MAX = 5;
const COMPETING_MAX = 20;

/** `candidates`: all that fit, however faintly. */
export function explanationOf(
  { settings }: AttributionQuery,
  attribution: Attribution,
  candidates: readonly Candidate[],
): Explanation {
  const answered = new Set(attribution.matches.map(nameOf));
  const ranked = rankedCandidates(candidates).map((candidate) => ({ candidate, match: matchOf(candidate) }));
  const variants = new Map(ranked.map(({ candidate, match }) => [nameOf(match), candidate.variant.variant]));
  return {
    attribution,
    matches: attribution.matches.slice(0, EXPLAINED_MAX).map((match) => {
      const registered = variants.get(nameOf(match))?.settings;
      const differences =
        registered === undefined || settings === undefined ? [] : settingsDifferences(registered, settings);
      return { match, messages: explainedPieces(match), settings: differences };
    }),
    competing: ranked.flatMap(({ match }) => (answered.has(nameOf(match)) ? [] : [match])).slice(0, COMPETING_MAX),
  };
}

function nameOf({ prompt, version }: AttributionMatch): string {
  return JSON.stringify([prompt, version]);
}
