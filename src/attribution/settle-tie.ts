/**
 * Decides between versions that a text fits equally well by what is known of the call beside its
 * text. What nothing speaks for stays a tie. Pure.
 */

import type { Attribution, AttributionMatch, SentWhere, TieReason } from '../contract/attribution.ts';
import { narrowed } from './conclusion.ts';

/** What is known of the moment, the environment and the service that a call comes from. */
export interface TieEvidence {
  /** Whether its environment was pinned to this version then. */
  readonly wasPinned: (match: AttributionMatch) => boolean;
  /** False only where it is known to have been registered after the call. */
  readonly wasRegistered: (match: AttributionMatch) => boolean;
  /** Prompts that calls of its service carry which fit nothing else. */
  readonly isUsedByService: (prompt: string) => boolean;
}

export function settleTie(attribution: Attribution, sent: SentWhere, evidence: TieEvidence): Attribution {
  if (attribution.kind !== 'ambiguous') return attribution;
  let left = attribution.matches;
  const because: TieReason[] = [];
  const prefer = (reason: TieReason, meets: (match: AttributionMatch) => boolean): void => {
    const meeting = left.filter(meets);
    if (meeting.length === 0 || meeting.length === left.length) return;
    left = meeting;
    because.push(reason);
  };
  prefer('pinned', evidence.wasPinned);
  prefer('registered', evidence.wasRegistered);
  prefer('service', ({ prompt }) => evidence.isUsedByService(prompt));
  return because.length === 0 ? attribution : narrowed(attribution, left, because, sent);
}
