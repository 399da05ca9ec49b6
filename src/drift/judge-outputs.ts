/**
 * The verdict about the answers of one version: whether they are distributed as before. What is known of them is given;
 * `src/statistics/` has found it out. Pure.
 */

import type { OutputChange, OutputSeries, OutputStatus } from '../contract/output-log.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { formatDuration, HOUR_MS } from '../lib/time.ts';
import { intervalWords, timeWords } from '../text/time-words.ts';
import { outputsTarget } from './outputs-target.ts';
import { severityOf } from './severity.ts';
import { versionWords } from './version-order.ts';

/** Texts of outputs, as far as they are kept. */
export interface OutputExamples {
  readonly before: readonly string[];
  readonly since: readonly string[];
}

/** Name of the feature. */
const ANSWERING_MODEL = 'response_model';
const NAMED_IN_SUMMARY = 2;
const INPUTS_WORDS: Readonly<Record<string, string>> = {
  answering_model_changed:
    'input tokens changed as well: another model may count them otherwise, or other things are asked',
  outputs_and_inputs_changed: 'what was asked changed as well: the answers may differ for that reason',
};
const EXAMPLE_CHARACTERS = 240;

/** Where outputs of this series show a problem. */
export function placeOfOutputs({
  prompt,
  environment,
  model,
  version,
}: OutputSeries): Pick<Judgement, 'prompt' | 'environment' | 'target' | 'part'> {
  return { prompt, environment, target: outputsTarget(model, prompt), part: versionWords(version) };
}

/** `version`: as it is registered; null where it is not. */
export function judgeOutputs(
  status: OutputStatus,
  version: RegisteredVersion | null,
  examples: OutputExamples = { before: [], since: [] },
): Judgement {
  const { series, change } = status;
  const { environment, prompt, model } = series;
  const answers = `${prompt} in ${environment}: the answers of ${model} to ${versionWords(series.version)}`;
  const place = {
    ...placeOfOutputs(series),
    expected: version === null ? null : { version: version.version, hash: version.variants[0].hashes.strict },
    // The content of the prompt is not what changed.
    observed: { version: series.version, hash: null, text: null },
    changedBy: null,
  };
  if (change === null) {
    const isCompared = status.state === 'watching';
    return {
      ...place,
      verdict: isCompared ? 'in_sync' : 'unverifiable',
      severity: 'info',
      reason: isCompared ? 'outputs_as_before' : 'outputs_not_known_yet',
      summary: isCompared ? `${answers} are as before.` : `${answers} can't be compared with earlier ones yet.`,
      diff: '',
      changedBetween: [null, null],
      evidence: [],
    };
  }
  const severity = severityOf('output_drift', environment);
  const reason = reasonOf(change);
  return {
    ...place,
    verdict: 'output_drift',
    // Where other things are asked, other answers are right.
    severity: reason === 'outputs_and_inputs_changed' ? 'info' : severity,
    reason,
    summary: `${answers} changed: ${namedWords(change)}.`,
    diff: diffOf(status, change, examples),
    changedBetween: change.between,
    evidence: evidenceOf(status, change),
  };
}

/** Another model may count the tokens of the same input otherwise: that explains no change of the model. */
function reasonOf({ features, inputsChanged }: OutputChange): string {
  if (features.some(({ name }) => name === ANSWERING_MODEL)) return 'answering_model_changed';
  return inputsChanged ? 'outputs_and_inputs_changed' : 'outputs_changed';
}

function namedWords({ features }: OutputChange): string {
  return features
    .slice(0, NAMED_IN_SUMMARY)
    .map(({ words, before, now }) => (before === '' ? words : `${words} from ${before} to ${now}`))
    .join(', ');
}

/** What is typical of the answers before and since, and some of them, in the form in which changes of texts are shown. */
function diffOf({ series }: OutputStatus, { features, between }: OutputChange, examples: OutputExamples): string {
  const shown = features.filter(({ before }) => before !== '');
  const lines = [
    ...shown.flatMap(({ words, before, now }) => [`-${words}: ${before}`, `+${words}: ${now}`]),
    ...examples.before.map((text) => `-e.g. ${cut(text)}`),
    ...examples.since.map((text) => `+e.g. ${cut(text)}`),
  ];
  if (lines.length === 0) return '';
  const head = `answers of ${series.model} to ${versionWords(series.version)}`;
  return [`--- ${head} before`, `+++ ${head} since ${intervalWords(between)}`, ...lines, ''].join('\n');
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line === '') return '(empty)';
  return line.length > EXAMPLE_CHARACTERS ? `${line.slice(0, EXAMPLE_CHARACTERS)}…` : line;
}

function evidenceOf({ baseline, log10Score }: OutputStatus, change: OutputChange): readonly Evidence[] {
  const learned = baseline === null ? '' : `, learned from ${timeWords(baseline.from)} to ${timeWords(baseline.until)}`;
  return [
    {
      kind: 'outputs',
      words: `${change.outputsSince} answers since are compared with ${change.outputsBefore} before${learned}`,
    },
    ...change.features.map(({ words, before, now, windowHours }) => {
      const values = before === '' ? '' : `: ${before} before, ${now} since`;
      const window = formatDuration(windowHours * HOUR_MS);
      return { kind: 'output_feature', words: `${words}${values} (clearest in the last ${window})` };
    }),
    ...(change.inputsChanged ? [{ kind: 'inputs', words: INPUTS_WORDS[reasonOf(change)] ?? '' }] : []),
    ...(log10Score === null
      ? []
      : [
          {
            kind: 'chance',
            words: `without a change, so much difference comes once in 10^${log10Score.toFixed(0)} hours`,
          },
        ]),
    { kind: 'prompt', words: 'the text of the prompt and the name of the model that is asked for are the same' },
    {
      kind: 'if_right',
      words: 'resolve the incident if these answers are right: later ones are then compared with them',
    },
  ];
}
