/**
 * Which contents an incident has already shown. They are kept as evidence of the incident, so that
 * a person sees the whole story and a place that alternates between two texts is not announced
 * again each time. Pure.
 */

import type { Incident } from '../contract/incident.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { timeWords } from '../text/time-words.ts';

const EARLIER_CONTENT = 'earlier_content';
/** More are not remembered; by then the incident announces nothing new anyway. */
const REMEMBERED_MAX = 20;
const HASH = /sha256:[0-9a-f]{64}/;

/** The hashes of all contents this incident has had, its present one included. */
export function seenContents(incident: Incident): ReadonlySet<string> {
  const seen = new Set<string>();
  if (incident.observed.hash !== null) seen.add(incident.observed.hash);
  for (const evidence of incident.evidence) {
    const hash = evidence.kind === EARLIER_CONTENT ? HASH.exec(evidence.words)?.[0] : undefined;
    if (hash !== undefined) seen.add(hash);
  }
  return seen;
}

/** The evidence of a new judgement, followed by the contents that came before it. */
export function rememberContent(incident: Incident, judgement: Judgement): readonly Evidence[] {
  const earlier = incident.evidence.filter((evidence) => evidence.kind === EARLIER_CONTENT);
  const { hash } = incident.observed;
  const known = hash === null || hash === judgement.observed.hash || earlier.some(({ words }) => words.includes(hash));
  const words = `until ${timeWords(incident.updatedAt)} at the earliest it was ${incident.verdict} with ${hash ?? 'nothing'}`;
  const all = known ? earlier : [...earlier, { kind: EARLIER_CONTENT, words }];
  return [...judgement.evidence, ...all.slice(-REMEMBERED_MAX)];
}
