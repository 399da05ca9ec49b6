/**
 * What to say of a text that is none of the prompt's versions: an edit of one, another prompt's
 * text, or something that nobody registered. Pure.
 */

import type { HeldObservation } from '../contract/observation.ts';
import type { PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence } from '../contract/verdict.ts';
import type { ContentCase, Decision } from './content-case.ts';
import { comparableTexts, resemblance } from './content-match.ts';
import { badgeEvidence, pinEvidence, settingsEvidence } from './evidence.ts';
import { compareSettings } from './settings.ts';
import { versionWords } from './version-order.ts';

/** Below this share of common words two texts are not versions of each other. */
const RESEMBLANCE_MIN = 0.3;
/** An edit of what is pinned is likelier than one of another version: that has to be nearer by this much. */
const LEAD_MIN = 0.05;
/** Resemblance is looked for in so many versions, newest first: it costs a pass over each text. */
const RESEMBLANCE_VERSIONS_MAX = 20;

/** No version of this prompt is exactly this text: somebody edited one, or it is something else. */
export function decideUnknownContent(given: ContentCase, pinned: RegisteredVersion | null): Decision {
  const { expected, observed, held } = given;
  const base = pinned ?? expected.versions.at(-1) ?? null;
  const wanted = base === null ? '' : versionWords(base.version);
  const comparedWith = base === null ? null : { version: base, variant: closestVariant(base, held) };
  const settings = comparedWith === null ? [] : compareSettings(comparedWith.variant, held.settings).changes;
  const common = { version: null, comparedWith, settings };
  const evidence = [
    { kind: 'hash', words: `no registered version has this text (${held.hashes.strict.slice(0, 19)}…)` },
    ...(expected.pin === null ? [] : [pinEvidence(expected.pin)]),
    ...settingsEvidence(settings),
    ...badgeEvidence(given),
  ];
  const stranger = observed.attribution?.matches.find(
    (match) => match.hash !== null && match.prompt !== expected.prompt,
  );
  if (stranger !== undefined) {
    const theirs = `${stranger.prompt} ${versionWords(stranger.version)}`;
    const words = `holds the text of another prompt, ${theirs}`;
    const found = { kind: 'hash', words: `the text is ${theirs}` };
    return {
      ...common,
      verdict: 'unregistered',
      reason: 'text_of_another_prompt',
      words,
      evidence: [found, ...evidence],
    };
  }
  const near = nearestOwn(given);
  if (near === null) {
    const words =
      wanted === ''
        ? 'holds a text that is not registered'
        : `holds a text that is like no registered version; ${expected.pin === null ? `the newest is ${wanted}` : `${wanted} is pinned`}`;
    return { ...common, verdict: 'unregistered', reason: 'like_no_registered_version', words, evidence };
  }
  const nearest = versionWords(near.version);
  const words =
    nearest === wanted || wanted === ''
      ? `was edited: its text differs from ${nearest}`
      : `was edited: its text is nearest to ${nearest}, and ${wanted} is ${expected.pin === null ? 'the newest' : 'pinned'}`;
  return { ...common, verdict: 'edited', reason: near.reason, words, evidence: [near.evidence, ...evidence] };
}

interface Nearest {
  readonly version: string;
  readonly reason: string;
  readonly evidence: Evidence;
}

function nearestOwn({ expected, observed, held, pinned }: ContentCase): Nearest | null {
  const { attribution } = observed;
  // A held text is a template. That it could also be a registered one with its variables filled in
  // proves nothing: an edit beside a variable looks just the same.
  const rendered = attribution?.matches.find((match) => match.prompt === expected.prompt);
  if (rendered !== undefined) {
    const words = `it could be ${versionWords(rendered.version)} with its variables filled in (${rendered.literalBytes} bytes of its text are there)`;
    return {
      version: rendered.version,
      reason: 'registered_text_with_other_variables',
      evidence: { kind: 'rendered', words },
    };
  }
  const near = attribution?.near.find((match) => match.prompt === expected.prompt);
  if (near !== undefined) {
    const words = `${near.editedBytes} bytes away from ${versionWords(near.version)}`;
    return { version: near.version, reason: 'near_registered_version', evidence: { kind: 'near_match', words } };
  }
  const candidates = [
    ...(pinned === null ? [] : [pinned]),
    ...expected.versions.slice(-RESEMBLANCE_VERSIONS_MAX).toReversed(),
  ];
  let best: { readonly version: string; readonly share: number } | null = null;
  for (const version of candidates) {
    const [registered, live] = comparableTexts(closestVariant(version, held).body, held.body);
    const share = resemblance(registered, live);
    const lead = best?.version === pinned?.version ? LEAD_MIN : 0;
    if (best === null || share > best.share + lead) best = { version: version.version, share };
  }
  if (best === null || best.share < RESEMBLANCE_MIN) return null;
  const words = `shares ${Math.round(best.share * 100)} % of its words with ${versionWords(best.version)}`;
  return { version: best.version, reason: 'resembles_registered_version', evidence: { kind: 'resemblance', words } };
}

function closestVariant(version: RegisteredVersion, held: HeldObservation): PromptVariant {
  const byModel = version.variants.find((variant) => variant.model === held.settings.model);
  if (byModel !== undefined || version.variants.length === 1) return byModel ?? version.variants[0];
  const scored = version.variants.map((variant) => ({
    variant,
    share: resemblance(...comparableTexts(variant.body, held.body)),
  }));
  return scored.toSorted((a, b) => b.share - a.share)[0]?.variant ?? version.variants[0];
}
