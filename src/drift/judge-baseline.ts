/**
 * The verdict about what calls of one version show, beside what the registry declares of them. What is known of it is given;
 * `src/statistics/declared-baseline.ts` has found it out. Pure.
 */

import type { BaselineChange, BaselineStatus, CallsOfPeriod } from '../contract/baseline-log.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import {
  COST_OF_CALL,
  judgedName,
  meanWords,
  metricValueWords,
  metricWords,
  moneyWords,
} from '../text/declared-metric.ts';
import { intervalWords } from '../text/time-words.ts';
import { baselineTarget } from './baseline-target.ts';
import { severityOf } from './severity.ts';
import { versionWords } from './version-order.ts';

/** What differs by less is not what made the difference. */
const TELLING_RATIO = 1.1;
const TELLING_SHARE = 0.05;
const MODELS_SHOWN = 5;

/** `version`: as it is registered. */
export function judgeBaseline(status: BaselineStatus, version: RegisteredVersion): Judgement {
  const { series, change, state } = status;
  const { environment, prompt, metric } = series;
  const place = {
    prompt,
    environment,
    target: baselineTarget(metric, prompt),
    part: versionWords(series.version),
    expected: { version: version.version, hash: version.variants[0].hashes.strict },
    // The content of the prompt is not what is off.
    observed: { version: series.version, hash: null, text: null },
    changedBy: null,
  };
  // What somebody took as normal is told again when it is worse than that.
  if (change === null || state === 'accepted') {
    return {
      ...place,
      verdict: 'in_sync',
      severity: 'info',
      reason: change === null ? 'not_off_declared_baseline' : 'accepted_off_baseline',
      summary: `${place.prompt} in ${environment}: the ${metricWords(metric)} of ${place.part} is not off what is declared.`,
      diff: '',
      changedBetween: [null, null],
      evidence: [],
    };
  }
  return {
    ...place,
    verdict: 'off_baseline',
    // Where calls never were as declared, nothing happened to them: the declaration is a guess that was not corrected.
    severity: change.wasWithin ? severityOf('off_baseline', environment) : 'info',
    reason: change.wasWithin ? 'left_declared_baseline' : 'never_within_declared_baseline',
    summary: summaryOf(status, change),
    diff: diffOf(status, change, version),
    changedBetween: change.between,
    evidence: evidenceOf(status, change, version),
  };
}

function summaryOf({ series, declared }: BaselineStatus, { measured, wasWithin, callsADay }: BaselineChange): string {
  const { metric } = series;
  const [is, should] = [metricValueWords(metric, measured.mean), metricValueWords(metric, declared)];
  const of = `${series.prompt} in ${series.environment}: the ${metricWords(metric)} of ${versionWords(series.version)}`;
  const more =
    metric === COST_OF_CALL ? `, about ${moneyWords((measured.mean - declared) * callsADay)} a day more` : '';
  return wasWithin
    ? `${of} is ${is}, not ${should} as declared${more}.`
    : `${of} is ${is} and was not seen near ${should}: what is declared is off${more}.`;
}

/** Declared and measured, and what else of the calls is otherwise, in the form in which changes of texts are shown. */
function diffOf({ series, declared }: BaselineStatus, change: BaselineChange, { origin }: RegisteredVersion): string {
  const { metric } = series;
  const { measured, between } = change;
  const name = metricWords(metric);
  return [
    `--- ${versionWords(series.version)} as declared: metrics.${metric} in ${originWords(origin)}`,
    `+++ ${versionWords(series.version)} as measured, off since ${intervalWords(between)}`,
    `-${name}: ${metricValueWords(metric, declared)}`,
    `+${name}: ${meanWords(metric, measured)}`,
    ...differences(change).flatMap(({ words, before, since }) => [
      `-${words}, before: ${before}`,
      `+${words}, since: ${since}`,
    ]),
    '',
  ].join('\n');
}

interface Difference {
  readonly words: string;
  readonly before: string;
  readonly since: string;
}

function differences({ callsBefore, callsSince }: BaselineChange): readonly Difference[] {
  if (callsBefore === null || callsSince === null) return [];
  const counts = (['inputTokens', 'outputTokens'] as const).flatMap((key) => {
    const [before, since] = [callsBefore[key], callsSince[key]];
    const isTelling = Math.max(before, since) > TELLING_RATIO * Math.min(before, since);
    const words = key === 'inputTokens' ? 'input tokens of a call' : 'output tokens of a call';
    return isTelling ? [{ words, before: countWords(before), since: countWords(since) }] : [];
  });
  const cached = [callsBefore.cachedShare, callsSince.cachedShare] as const;
  return [
    ...counts,
    ...(Math.abs(cached[0] - cached[1]) > TELLING_SHARE
      ? [{ words: 'input tokens from a cache', before: shareWords(cached[0]), since: shareWords(cached[1]) }]
      : []),
    ...(haveOtherShares(callsBefore, callsSince)
      ? [{ words: 'models', before: modelWords(callsBefore), since: modelWords(callsSince) }]
      : []),
  ];
}

function haveOtherShares(before: CallsOfPeriod, since: CallsOfPeriod): boolean {
  const [one, other] = [sharesOf(before), sharesOf(since)];
  return [...new Set([...one.keys(), ...other.keys()])].some(
    (model) => Math.abs((one.get(model) ?? 0) - (other.get(model) ?? 0)) > TELLING_SHARE,
  );
}

function sharesOf({ models, calls }: CallsOfPeriod): ReadonlyMap<string, number> {
  return new Map(models.map(([model, count]) => [model, count / calls]));
}

function modelWords({ models, calls }: CallsOfPeriod): string {
  const shown = models.slice(0, MODELS_SHOWN).map(([model, count]) => `${model} ${shareWords(count / calls)}`);
  const more = models.length - shown.length;
  return [...shown, ...(more === 0 ? [] : [`${more} more`])].join(', ');
}

function evidenceOf(
  { series, declared }: BaselineStatus,
  change: BaselineChange,
  { origin }: RegisteredVersion,
): readonly Evidence[] {
  const { metric } = series;
  const { measured, beyond, wasWithin, callsADay, callsSince } = change;
  const value = (of: number): string => metricValueWords(metric, of);
  const judged = judgedName(metric);
  const counted = judged === null ? 'priced calls' : `judgements called ${judged}`;
  const side = judged === null ? 'more' : 'less';
  return [
    {
      kind: 'measured',
      words: `${meanWords(metric, measured)}: the mean of ${countWords(measured.of)} ${counted} since`,
    },
    {
      kind: 'chance',
      words: `it is ${side} than ${value(beyond)} with certainty: by chance so much comes once a month among a thousand versions`,
    },
    { kind: 'declared', words: `metrics.${metric}: ${String(declared)} (${originWords(origin)})` },
    {
      kind: 'before',
      words: wasWithin
        ? 'it was within what is declared before'
        : 'no calls, or too few, are known that were within what is declared',
    },
    ...(metric === COST_OF_CALL
      ? [
          {
            kind: 'money',
            words: `${moneyWords((measured.mean - declared) * callsADay)} a day more, for ${countWords(callsADay)} calls a day`,
          },
        ]
      : []),
    ...(callsSince === null ? [] : callsEvidence(callsSince)),
    {
      kind: 'if_right',
      words: wasWithin
        ? 'resolve the incident if this is right: it is told again when it is clearly worse; or correct what is declared'
        : `correct what is declared, or resolve the incident: it is told again when it is clearly worse`,
    },
  ];
}

function callsEvidence(calls: CallsOfPeriod): readonly Evidence[] {
  return [
    { kind: 'models', words: `calls since: ${modelWords(calls)}` },
    ...(calls.unpricedCalls + calls.errors === 0
      ? []
      : [
          {
            kind: 'left_out',
            words: `of ${countWords(calls.calls)} calls since, ${countWords(calls.unpricedCalls)} are not priced and ${countWords(calls.errors)} failed`,
          },
        ]),
  ];
}

function originWords({ file, line }: RegisteredVersion['origin']): string {
  return line === undefined ? file : `${file}:${line}`;
}

function countWords(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function shareWords(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
