/** The verdict about a registered version whose content is not what it was when it was first seen. Pure. */

import type { Pin } from '../contract/prompt.ts';
import type { TamperedVersion } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Judgement } from '../contract/verdict.ts';
import { unifiedDiff } from '../text/diff.ts';
import { timeWords } from '../text/time-words.ts';
import { severityOf } from './severity.ts';
import { versionWords } from './version-order.ts';

/** The environment of a version that nothing pins. */
const NOWHERE = 'registry';

/**
 * One judgement for each environment that pins the version, so that the alert goes where the
 * version is meant to be live; one without an environment when nothing pins it. `now`: when it was
 * found changed.
 */
export function judgeTampered(tampered: TamperedVersion, pins: readonly Pin[], now: Timestamp): readonly Judgement[] {
  const pinned = pins.filter((pin) => pin.prompt === tampered.prompt && pin.version === tampered.version);
  const environments = new Set(pinned.map((pin) => pin.environment));
  if (environments.size === 0) environments.add(NOWHERE);
  return [...environments].map((environment) => judgeIn(environment, tampered, now));
}

function judgeIn(environment: string, tampered: TamperedVersion, now: Timestamp): Judgement {
  const { prompt, version, registry, firstSeen, intactAt } = tampered;
  const named = versionWords(version);
  const { origin, author, registeredAt } = tampered.now.version;
  const place = `${origin.file}${origin.line === undefined ? '' : `:${origin.line}`}${origin.commit === undefined ? '' : `, ${origin.commit.slice(0, 12)}`}`;
  const diff = unifiedDiff(firstSeen.text, tampered.now.text, {
    beforeLabel: `${prompt} ${named}, as first seen`,
    afterLabel: `${prompt} ${named}, now`,
  });
  const changedAt = registeredAt !== null && registeredAt > firstSeen.at && registeredAt <= now ? registeredAt : null;
  return {
    verdict: 'registry_tampered',
    severity: severityOf('registry_tampered', environment),
    reason: 'version_content_changed',
    summary: `${prompt} ${named} has another content than when it was registered; a version never changes.`,
    prompt,
    environment,
    target: `registry:${registry}/${prompt}`,
    part: version,
    expected: { version, hash: firstSeen.hash },
    observed: { version, hash: tampered.now.hash, text: tampered.now.text },
    diff,
    changedBetween: changedAt === null ? [intactAt, now] : [changedAt, changedAt],
    changedBy: author,
    evidence: [
      { kind: 'registry', words: `first seen at ${timeWords(firstSeen.at)} with ${firstSeen.hash}` },
      { kind: 'registry', words: `now ${tampered.now.hash}, from ${place}` },
      { kind: 'registry', words: 'register the new content as a new version, and put the old one back' },
    ],
  };
}
