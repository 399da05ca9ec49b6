/**
 * Which contents an incident has already shown. They are kept as evidence of the incident, so that
 * a person sees the whole story and a place that alternates between two texts is not announced
 * again each time. Pure.
 */

import type { Incident } from '../contract/incident.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { sha256 } from '../lib/hash.ts';
import { timeWords } from '../text/time-words.ts';

const EARLIER_CONTENT = 'earlier_content';
/** More are not remembered; by then the incident announces nothing new anyway. */
const REMEMBERED_MAX = 20;
const NOTHING = 'nothing';
/** The content ends the sentence. */
const CONTENT = /(sha256:[0-9a-f]{64}|nothing)$/;

/** What tells two contents of a place apart. Settings have no hash of their own: their diff has. */
export function contentOf(subject: Pick<Judgement, 'verdict' | 'observed' | 'diff'>): string {
  if (subject.verdict === 'settings_changed') return sha256(subject.diff);
  return subject.observed.hash ?? NOTHING;
}

/** All contents that this incident has had, its present one included. */
export function seenContents(incident: Incident): ReadonlySet<string> {
  const seen = new Set([contentOf(incident)]);
  for (const evidence of incident.evidence) {
    const content = evidence.kind === EARLIER_CONTENT ? CONTENT.exec(evidence.words)?.[0] : undefined;
    if (content !== undefined) seen.add(content);
  }
  return seen;
}

/** The evidence of a new judgement, followed by the contents that came before it, and what was put back. */
export function rememberContent(incident: Incident, judgement: Judgement): readonly Evidence[] {
  const earlier = incident.evidence.filter((evidence) => evidence.kind === EARLIER_CONTENT);
  const content = contentOf(incident);
  const known = content === contentOf(judgement) || earlier.some(({ words }) => words.endsWith(content));
  const words = `at ${timeWords(incident.updatedAt)} it was ${incident.verdict}: ${content}`;
  const all = known ? earlier : [...earlier, { kind: EARLIER_CONTENT, words }];
  const restores = incident.evidence.filter((evidence) => evidence.kind === 'restore');
  return [...judgement.evidence, ...all.slice(-REMEMBERED_MAX), ...restores.slice(-REMEMBERED_MAX)];
}
