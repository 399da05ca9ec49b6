/**
 * The identity of a continuing problem. Pure.
 *
 * A place (one part of one target in one environment) has one problem at a time: that what it holds
 * is not what it should hold. Whether that shows as `edited`, `missing` or `stale_version` may
 * change while people work on it, and stays one incident: the verdict is not part of the identity.
 * What traffic shows and what happens to a registry are other places, with targets of their own
 * (`traffic:SERVICE/PROMPT`, `registry:NAME/PROMPT`).
 */

import type { Judgement } from '../contract/verdict.ts';
import { shortId } from '../lib/hash.ts';

export function fingerprintOf(judgement: Pick<Judgement, 'prompt' | 'environment' | 'target' | 'part'>): string {
  const { prompt, environment, target, part } = judgement;
  return shortId('incident', environment, target, part, prompt);
}

/** The same in every replica, so that two that see one problem at once write one incident. */
export function incidentId(fingerprint: string, previousId: string | null): string {
  return shortId('incident-id', fingerprint, previousId ?? 'first');
}
