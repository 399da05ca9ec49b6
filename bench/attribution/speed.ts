/** How fast distinct, repeated and unknown texts are attributed, beside SHA-256, regular expressions and brute force. */

import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createAttributor } from '../../src/attribution/index.ts';
import { Registrar } from '../../src/attribution/registrar.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { parseTemplate } from '../../src/templates/index.ts';
import type { TemplateNodes } from '../../src/templates/index.ts';
import { callsPerSecond, distribution, pairedTiming, rounded } from './measure.ts';
import type { Random } from './random.ts';
import { regexMatcher } from './regex.ts';
import { gapCount, literalsOf, prose, render } from './renders.ts';

export interface DistinctRow {
  readonly versions: number;
  readonly per_second: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly max_ms: number;
  readonly ratio_to_sha256: number;
  readonly ratio_to_regex: number;
  readonly ratio_to_brute_force: number;
  readonly build_s: number;
  readonly memory_mb: number;
  readonly sha256_per_second: number;
  readonly regex_per_second: number;
  readonly brute_force_per_second: number;
  readonly mean_text_bytes: number;
}

export interface SpeedResult {
  readonly distinct: DistinctRow;
  readonly repeated: { readonly versions: number; readonly per_second: number };
  readonly unknown: { readonly versions: number; readonly per_second: number; readonly p99_us: number };
}

const TEXTS = 3_000;
const ROUNDS = 30;
// A text of no prompt takes ten times as long.
const UNKNOWN_ROUNDS = 5;
// The comparisons are slow: they get fewer texts, and at most about this long.
const COMPARISON_MS = 1_500;

export function measureSpeed(versions: readonly RegisteredVersion[], random: Random): SpeedResult {
  const texts = distinctTexts(versions, TEXTS, random);
  const repeated = measureRepeated(versions, texts);
  const before = memoryMb();
  const started = performance.now();
  // Without memory of earlier answers: every text is a new one each time it is asked about.
  const attributor = createAttributor({ remembersAnswers: false });
  attributor.addAll(versions);
  const buildS = (performance.now() - started) / 1e3;
  const memory = memoryMb() - before;

  const buffers = texts.map((text) => Buffer.from(text));
  const attribute = (at: number): unknown => attributor.attribute({ text: texts[at] as string });
  const ours = pairedTiming(texts.length, ROUNDS, attribute, (at) => sha256(buffers[at] as Buffer));
  const { p50Us, p99Us, maxMs } = distribution(texts.length, attribute);
  const regexes = regexMatcher(versions);
  const regex = slowly(texts, (text) => regexes(text));
  const bruteForce = slowly(texts, bruteForceOf(versions));
  const size = versions.length;
  return {
    distinct: {
      versions: size,
      per_second: Math.round(ours.perSecond),
      p50_us: rounded(p50Us),
      p99_us: rounded(p99Us),
      max_ms: rounded(maxMs, 3),
      ratio_to_sha256: rounded(ours.ratio),
      ratio_to_regex: rounded(ours.perSecond / regex),
      ratio_to_brute_force: rounded(ours.perSecond / bruteForce),
      build_s: rounded(buildS),
      memory_mb: Math.round(memory),
      sha256_per_second: Math.round(ours.otherPerSecond),
      regex_per_second: Math.round(regex),
      brute_force_per_second: Math.round(bruteForce),
      mean_text_bytes: Math.round(buffers.reduce((sum, { length }) => sum + length, 0) / buffers.length),
    },
    repeated: { versions: size, per_second: repeated },
    unknown: { versions: size, ...measureUnknown(attributor, random) },
  };
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Texts that were seen before, in string objects that were not: as they come out of a decoder. */
function measureRepeated(versions: readonly RegisteredVersion[], texts: readonly string[]): number {
  const attributor = createAttributor();
  attributor.addAll(versions.slice(0, 1_000));
  const again = texts.slice(0, 1_000).map((text) => Buffer.from(text).toString());
  for (const text of texts) attributor.attribute({ text });
  return Math.round(callsPerSecond(again.length, ROUNDS, (at) => attributor.attribute({ text: again[at] as string })));
}

function measureUnknown(
  attributor: ReturnType<typeof createAttributor>,
  random: Random,
): { per_second: number; p99_us: number } {
  const texts = Array.from({ length: 1_000 }, () => Buffer.from(prose(1_100)(random)).toString());
  const attribute = (at: number): unknown => attributor.attribute({ text: texts[at] as string });
  const perSecond = callsPerSecond(texts.length, UNKNOWN_ROUNDS, attribute);
  return { per_second: Math.round(perSecond), p99_us: rounded(distribution(texts.length, attribute).p99Us) };
}

/** Renders of 0.7 to 1.5 KB of versions picked at random. */
export function distinctTexts(versions: readonly RegisteredVersion[], count: number, random: Random): string[] {
  const texts: string[] = [];
  while (texts.length < count) {
    const nodes = nodesOf(random.pick(versions));
    const literalBytes = literalsOf(nodes).join('').length;
    const filler = prose(Math.max(20, (1_100 - literalBytes) / Math.max(1, gapCount(nodes))));
    const text = render(nodes, filler, random);
    // Once through a buffer: a string that was just put together is slower than one from a decoder.
    if (text.length >= 700 && text.length <= 1_500) texts.push(Buffer.from(text).toString());
  }
  return texts;
}

export function nodesOf({ variants: [{ body, format }] }: RegisteredVersion): TemplateNodes {
  const parsed = body.kind === 'text' ? parseTemplate(body.text, format) : null;
  return parsed?.ok === true ? parsed.template.nodes : [];
}

/** Each pattern in turn, with the engine's own comparison but no index: the one-by-one of the literature. */
function bruteForceOf(versions: readonly RegisteredVersion[]): (text: string) => unknown {
  const registrar = new Registrar();
  registrar.addAll(versions);
  return (text) => {
    registrar.matcher.prepare(text);
    return registrar.matcher.findAllByBruteForce(text);
  };
}

/** By the processor's time: these take too long for the fastest of many rounds, and compile on the way. */
function slowly(texts: readonly string[], work: (text: string) => unknown): number {
  const started = processorMs();
  let done = 0;
  while (processorMs() - started < COMPARISON_MS && done < 2 * texts.length) {
    work(texts[done % texts.length] as string);
    done += 1;
  }
  return (done * 1e3) / (processorMs() - started);
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

// Without it, what was built is not told from what was thrown away on the way.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryMb(): number {
  // Once more for what only the first time let go.
  for (let turn = 0; turn < 2; turn += 1) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}
