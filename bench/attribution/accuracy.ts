/**
 * How often the answer is right: on renders with ordinary and adversarial content, on texts of no
 * prompt at all, and on renders of versions that were left out of the registry (an edit that nobody
 * registered), where only near misses can help.
 */

import { createAttributor, deservesNear } from '../../src/attribution/index.ts';
import { compilePatterns } from '../../src/attribution/pattern.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { rounded } from './measure.ts';
import type { Random } from './random.ts';
import { adversarial, literalsOf, prose, render } from './renders.ts';
import type { Filler } from './renders.ts';
import { nodesOf } from './speed.ts';

export interface Accuracy {
  /** Of renders of registered versions: the version, or a tie that contains it; and another version alone. */
  readonly right_or_tied: number;
  readonly wrong: number;
  readonly insufficient_evidence: number;
  readonly adversarial_right_or_tied: number;
  readonly unknown_called_known: number;
  /** Of renders of a newest version that is not registered. */
  readonly left_out: {
    readonly renders: number;
    /** The edit lies where a variable may stand: the text is a render of an older version as well. */
    readonly masked: number;
    readonly near_right_prompt: number;
    readonly near_none: number;
    readonly near_p50_ms: number;
    readonly near_p99_ms: number;
  };
}

const RENDERS = 3_000;
const LEFT_OUT_MAX = 400;
const TEXT_BYTES_MIN = 30;

export function measureAccuracy(versions: readonly RegisteredVersion[], random: Random): Accuracy {
  // No text comes twice. And answers that are kept make V8 allocate later ones among what is old,
  // which the measurements of speed that follow would pay for.
  const attributor = createAttributor({ remembersAnswers: false });
  attributor.addAll(versions);
  const others = versions
    .slice(0, 2_000)
    .flatMap((version) => literalsOf(nodesOf(version)))
    .filter(({ length }) => length > 8);
  const ordinary = tally(attributor, versions, () => prose(90), random);
  const hostile = tally(attributor, versions, (version) => adversarial(literalsOf(nodesOf(version)), others), random);
  let known = 0;
  for (let at = 0; at < RENDERS; at += 1) {
    const { kind } = attributor.attribute({ text: prose(600)(random) });
    if (kind !== 'unknown' && kind !== 'insufficient_evidence') known += 1;
  }
  return {
    right_or_tied: rounded(ordinary.right / ordinary.decided, 4),
    wrong: rounded(ordinary.wrong / ordinary.decided, 4),
    insufficient_evidence: rounded(1 - ordinary.decided / ordinary.texts, 4),
    adversarial_right_or_tied: rounded(hostile.right / hostile.decided, 4),
    unknown_called_known: rounded(known / RENDERS, 4),
    left_out: measureLeftOut(versions, random),
  };
}

function tally(
  attributor: ReturnType<typeof createAttributor>,
  versions: readonly RegisteredVersion[],
  fillerFor: (version: RegisteredVersion) => Filler,
  random: Random,
): { texts: number; right: number; wrong: number; decided: number } {
  const result = { texts: 0, right: 0, wrong: 0, decided: 0 };
  for (let at = 0; at < RENDERS; at += 1) {
    const version = random.pick(versions);
    const text = render(nodesOf(version), fillerFor(version), random);
    // Some templates print nothing under some conditions; then nothing is to be found.
    if (text.trim().length < TEXT_BYTES_MIN) continue;
    result.texts += 1;
    const { kind, matches } = attributor.attribute({ text });
    if (kind === 'insufficient_evidence') continue;
    result.decided += 1;
    const isAmong = matches.some((match) => match.prompt === version.prompt && match.version === version.version);
    if (isAmong) result.right += 1;
    else if (kind === 'rendered' || kind === 'exact') result.wrong += 1;
  }
  return result;
}

/** The faster of two runs: what else the machine does is not ours. */
function millisOf(work: () => unknown): number {
  const times = [0, 0].map(() => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return Math.min(...times);
}

function languageOf(version: RegisteredVersion): string {
  return JSON.stringify(compilePatterns(nodesOf(version)).map(({ blocks }) => blocks));
}

function measureLeftOut(versions: readonly RegisteredVersion[], random: Random): Accuracy['left_out'] {
  const newest = new Map<string, RegisteredVersion>();
  for (const version of versions) newest.set(version.prompt, version);
  // A version that renders what another renders is registered in all but name.
  const languages = new Map<string, number>();
  for (const version of versions) languages.set(languageOf(version), (languages.get(languageOf(version)) ?? 0) + 1);
  const leftOut = [...newest.values()]
    .filter((version) => version.version !== '1' && languages.get(languageOf(version)) === 1)
    .slice(0, LEFT_OUT_MAX);
  const gone = new Set(leftOut);
  const attributor = createAttributor({ remembersAnswers: false });
  attributor.addAll(versions.filter((version) => !gone.has(version)));
  const times: number[] = [];
  const count = { renders: 0, masked: 0, right: 0, none: 0 };
  for (const version of leftOut) {
    for (let turn = 0; turn < 3; turn += 1) {
      const text = render(nodesOf(version), prose(90), random);
      if (text.trim().length < TEXT_BYTES_MIN) continue;
      count.renders += 1;
      if (!deservesNear(attributor.attribute({ text }))) {
        count.masked += 1;
        continue;
      }
      const [closest] = attributor.near({ text });
      times.push(millisOf(() => attributor.near({ text })));
      if (closest === undefined) count.none += 1;
      else if (closest.prompt === version.prompt) count.right += 1;
    }
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    renders: count.renders,
    masked: rounded(count.masked / count.renders, 4),
    near_right_prompt: rounded(count.right / Math.max(1, times.length), 4),
    near_none: rounded(count.none / Math.max(1, times.length), 4),
    near_p50_ms: rounded(quantile(0.5)),
    near_p99_ms: rounded(quantile(0.99)),
  };
}
