/**
 * The verdict about one part of a target, from what is expected and what was observed. All
 * decisions are here and in `judge-content.ts`; no I/O, no clock. Pure.
 */

import {
  type HeldObservation,
  type MissingObservation,
  seenSince,
  type UnreachableObservation,
} from '../contract/observation.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type { TimeInterval } from '../contract/time.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { narrowed } from '../lib/time-interval.ts';
import { displayBody } from '../text/body.ts';
import { timeWords } from '../text/time-words.ts';
import { matchContent } from './content-match.ts';
import type { Decision } from './content-case.ts';
import { diffContent } from './content-diff.ts';
import { decideContent } from './judge-content.ts';
import { type Expected, hasHash, type Observed, pinnedVersion, variantFor } from './expected.ts';
import { severityOf } from './severity.ts';
import { versionWords } from './version-order.ts';

export function judge(expected: Expected, observed: Observed): Judgement {
  const { observation } = observed;
  if (observation.outcome === 'unreachable') return judgeUnreachable(expected, observed, observation);
  if (observation.outcome === 'missing') return judgeMissing(expected, observed, observation);
  return judgeHeld(expected, observed, observation);
}

/** True when the content is none of this prompt's versions, so that attribution can add something. */
export function needsAttribution(expected: Expected, held: HeldObservation): boolean {
  return matchContent(expected.versions, held).length === 0;
}

function judgeHeld(expected: Expected, observed: Observed, held: HeldObservation): Judgement {
  const decision = decideContent(expected, observed, held);
  const began = whenAndWho(expected, observed, held, decision);
  return {
    ...base(expected, observed, decision.verdict),
    reason: decision.reason,
    summary: `${held.prompt} in ${expected.environment} ${decision.words}.`,
    observed: { version: decision.version, hash: held.hashes.strict, text: displayBody(held.body) },
    diff: diffContent(held, decision),
    changedBetween: began.between,
    changedBy: began.by,
    evidence: [...decision.evidence, ...began.evidence, ...placeEvidence(held), ...movedPointer(held, observed)],
  };
}

function judgeMissing(expected: Expected, observed: Observed, missing: MissingObservation): Judgement {
  if (missing.partEnded === true) return judgeEndedPart(expected, observed, missing);
  const wanted = expected.pin === null ? '' : `; ${versionWords(expected.pin.version)} should be there`;
  const earliest = observed.changed[0] ?? (observed.previous === null ? null : seenSince(observed.previous));
  return {
    ...base(expected, observed, 'missing'),
    reason: 'place_says_gone',
    summary: `${expected.prompt} in ${expected.environment} is gone from ${missing.target}${wanted}.`,
    changedBetween: [earliest, observed.changed[1] ?? missing.observedAt],
    evidence: [
      { kind: 'poll', words: `${missing.source} (${missing.sourceType}) says it is not there: ${missing.reason}` },
    ],
  };
}

/** A branch or a variation that is not there any more can't be wrong; the target's other parts are judged for themselves. */
function judgeEndedPart(expected: Expected, observed: Observed, missing: MissingObservation): Judgement {
  return {
    ...base(expected, observed, 'in_sync'),
    reason: 'part_ended',
    summary: `${expected.prompt} in ${expected.environment} no longer has the part ${missing.part}.`,
    evidence: [{ kind: 'poll', words: `${missing.source} (${missing.sourceType}): ${missing.reason}` }],
  };
}

function judgeUnreachable(expected: Expected, observed: Observed, unreachable: UnreachableObservation): Judgement {
  const { previous } = observed;
  const reason = unreachable.reason.replace(/\.$/, '');
  const last = previous === null ? 'it never answered' : `it last answered at ${timeWords(previous.observedAt)}`;
  return {
    ...base(expected, observed, 'unreachable'),
    reason: 'no_answer',
    summary: `${unreachable.target} can't be checked: ${/[!?]$/.test(reason) ? reason : `${reason}.`}`,
    evidence: [{ kind: 'poll', words: `no trustworthy answer: ${reason}; ${last}` }],
  };
}

/** What every judgement about this part says; `judgeHeld` and its siblings fill in the rest. */
function base(
  expected: Expected,
  { observation }: Observed,
  verdict: Judgement['verdict'],
): Omit<Judgement, 'reason' | 'summary' | 'evidence'> {
  const nothing: { version: null; hash: ContentHash | null; text: string | null } = {
    version: null,
    hash: null,
    text: null,
  };
  return {
    verdict,
    severity: severityOf(verdict, expected.environment),
    prompt: expected.prompt,
    environment: expected.environment,
    target: observation.target,
    part: observation.part,
    expected: expectedIdentity(expected, observation.outcome === 'held' ? observation.settings.model : undefined),
    observed: nothing,
    diff: '',
    changedBetween: [null, null],
    changedBy: null,
  };
}

/**
 * The pin's version with the hash of the variant in question; the pin's own hash when the version is not registered, or
 * no longer with what was pinned.
 */
function expectedIdentity(expected: Expected, model: string | undefined): Judgement['expected'] {
  const { pin } = expected;
  if (pin === null) return null;
  const version = pinnedVersion(expected);
  const hash = version !== null && hasHash(version, pin.hash) ? variantFor(version, model).hashes.strict : pin.hash;
  return { version: pin.version, hash };
}

interface Beginning {
  readonly between: TimeInterval;
  readonly by: string | null;
  readonly evidence: readonly Evidence[];
}

/**
 * Since when it is wrong, and who did it. A target that holds an old version because the pin moved
 * on did not change: then the pin's move is what began it.
 */
function whenAndWho(expected: Expected, { changed }: Observed, held: HeldObservation, decision: Decision): Beginning {
  const { pin } = expected;
  const latest = changed[1] ?? held.observedAt;
  const pinMoved = decision.verdict === 'stale_version' && pin?.since != null && pin.since > latest;
  if (pinMoved) {
    const by = pin.by === null ? '' : ` by ${pin.by}`;
    const words = `the target did not change: ${pin.rule} moved to ${versionWords(pin.version)} at ${timeWords(pin.since)}${by}`;
    return { between: [pin.since, pin.since], by: pin.by, evidence: [{ kind: 'pin', words }] };
  }
  const between: TimeInterval = [changed[0], latest];
  const { editedAt, editedBy } = held;
  const who = editedBy === null ? '' : ` by ${editedBy}`;
  if (editedAt === null) {
    const evidence = editedBy === null ? [] : [{ kind: 'source_time', words: `the source says it was edited${who}` }];
    return { between, by: editedBy, evidence };
  }
  // The source's own time narrows the interval. One that contradicts it (a copied file's old mtime, a
  // clock that is wrong) is shown and not believed.
  const believed = narrowed(between, editedAt);
  const doubt = believed === null ? ', which does not agree with what was seen' : '';
  return {
    between: believed ?? between,
    by: editedBy,
    evidence: [{ kind: 'source_time', words: `the source says: edited at ${timeWords(editedAt)}${who}${doubt}` }],
  };
}

/** A label that moved is told apart from a text that was edited: both may have happened, or one of them. */
function movedPointer(held: HeldObservation, { previous }: Observed): readonly Evidence[] {
  if (previous?.outcome !== 'held' || previous.pointer === null || held.pointer === null) return [];
  const { name, value } = held.pointer;
  if (previous.pointer.name !== name || previous.pointer.value === value) return [];
  return [{ kind: 'pointer', words: `${name} moved from ${previous.pointer.value} to ${value}` }];
}

function placeEvidence(held: HeldObservation): readonly Evidence[] {
  const where = held.url === null ? '' : `, ${held.url}`;
  const evidence: Evidence[] = [
    { kind: 'poll', words: `read from ${held.source} (${held.sourceType}) at ${timeWords(held.observedAt)}${where}` },
  ];
  if (held.pointer !== null) {
    evidence.push({ kind: 'pointer', words: `the target names ${held.pointer.name} ${held.pointer.value}` });
  }
  if (held.sourceVersion !== null) {
    evidence.push({ kind: 'source_version', words: `the source calls this content ${held.sourceVersion}` });
  }
  if (held.share !== null) {
    evidence.push({ kind: 'split', words: `gets ${Math.round(held.share * 1_000) / 10} % of the traffic` });
  }
  return evidence;
}
