/** `plumbline outputs`: did the answers of a version change, although prompt and model are called the same? */

import type { OutputState } from '../../contract/output-log.ts';
import type { TimeInterval, Timestamp } from '../../contract/time.ts';
import { intervalWords, timeWords } from '../../text/time-words.ts';
import { allPages } from '../client.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output, type Style } from '../output.ts';
import { slipIn } from '../slip.ts';
import { textFlag, type Verb } from '../verb.ts';

interface Example {
  readonly trace_id: string;
  readonly started_at: Timestamp;
  readonly text?: string | null;
}

interface Change {
  readonly between: TimeInterval;
  readonly since_hour: Timestamp;
  readonly noticed_at: Timestamp;
  readonly features: readonly { readonly words: string; readonly before: string; readonly now: string }[];
  readonly inputs_changed: boolean;
  readonly outputs_before: number;
  readonly outputs_since: number;
  readonly examples_before: readonly Example[];
  readonly examples_since: readonly Example[];
}

interface Status {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  readonly state: OutputState;
  readonly at: Timestamp;
  readonly last_hour: Timestamp;
  readonly learning: {
    readonly since: Timestamp;
    readonly outputs: number;
    readonly outputs_needed: number;
    readonly until: Timestamp;
  } | null;
  readonly baseline: { readonly from: Timestamp; readonly until: Timestamp; readonly outputs: number } | null;
  readonly log10_score: number | null;
  readonly alarm_at_log10_score: number;
  readonly change: Change | null;
}

const STYLES: Readonly<Record<OutputState, Style>> = { learning: 'yellow', watching: 'green', changed: 'red' };
/** Of an answer; the whole one is in `--json`. */
const EXAMPLE_LINES_SHOWN = 4;
const EXAMPLE_CHARACTERS_SHOWN = 160;

export const outputs: Verb = {
  usage: 'outputs [prompt]',
  summary:
    'Did the outputs of a version from a model change? Of one prompt: what changed, with examples. Exit code 1 when some did.',
  options: [
    ['--environment <name>', 'only of this environment'],
    ['--state <state>', 'only those that are learning, watching or changed'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['outputs', 'outputs --state changed', 'outputs support.intent-classifier'],
  run: async ([prompt], flags, context) => {
    const { output } = context;
    const client = await daemonOf(flags, context);
    const environment = textFlag(flags, 'environment');
    const state = textFlag(flags, 'state');
    const data = await allPages<Status>(client, '/api/v1/outputs', { prompt, environment, state });
    if (flags['json'] === true) output.json({ data });
    else if (data.length === 0) output.print(nothing(prompt, state));
    else if (prompt === undefined) output.print(overview(data, output));
    else output.print(data.map((status) => describe(status, output)).join('\n\n'));
    if (data.length > 0 || prompt === undefined || state !== undefined)
      return data.some((status) => status.state === 'changed') ? 1 : 0;
    const slip = await slipIn(client, prompt, environment);
    if (slip !== null) output.note(slip);
    return 1;
  },
};

function nothing(prompt: string | undefined, state: string | undefined): string {
  if (state !== undefined) return `There are none in the state ${state}.`;
  const of = prompt === undefined ? '' : ` of ${prompt}`;
  return `No outputs${of} were looked at yet. They are, hour by hour, where calls say what was answered to a registered version.`;
}

function overview(listed: readonly Status[], output: Output): string {
  const rows = listed.map((status) => [
    status.prompt,
    status.version,
    orDash(status.model),
    orDash(status.environment),
    styled(output, STYLES[status.state], status.state),
    outputsWords(status),
    dayOf(status.change?.since_hour ?? status.learning?.since ?? status.baseline?.from ?? status.at),
    dayOf(status.last_hour),
  ]);
  return table([['prompt', 'version', 'model', 'environment', 'state', 'outputs', 'since', 'last'], ...rows]);
}

/** How many were compared, or are known so far. */
function outputsWords({ learning, baseline, change }: Status): string {
  if (learning !== null) return `${learning.outputs} of ${learning.outputs_needed}`;
  return change === null ? String(baseline?.outputs ?? '-') : `${change.outputs_before}, then ${change.outputs_since}`;
}

function describe(status: Status, output: Output): string {
  const { prompt, version, model, environment, change } = status;
  const lines = [
    styled(output, 'bold', `${prompt} ${version}, ${model === '' ? 'an unnamed model' : model}`),
    `environment  ${orDash(environment)}`,
    `state        ${styled(output, STYLES[status.state], stateWords(status))}`,
    `last output  in the hour of ${timeWords(status.last_hour)}`,
  ];
  if (change === null) return lines.join('\n');
  lines.push(`noticed      ${timeWords(change.noticed_at)}`, '');
  lines.push(...change.features.map(featureWords));
  if (change.inputs_changed) {
    lines.push('', styled(output, 'yellow', 'What was asked changed too: that may be the reason.'));
  }
  lines.push(...exampleLines(`before, of ${change.outputs_before} outputs`, change.examples_before, output));
  lines.push(...exampleLines(`since, of ${change.outputs_since} outputs`, change.examples_since, output));
  return lines.join('\n');
}

function stateWords({
  state,
  at,
  learning,
  baseline,
  change,
  log10_score: score,
  alarm_at_log10_score: alarm,
}: Status): string {
  if (change !== null) return `${state} ${intervalWords(change.between)}`;
  if (learning !== null) {
    const earliest = learning.until > at ? ` until ${timeWords(learning.until)} at the earliest` : '';
    return `${state}${earliest} (${learning.outputs} of ${learning.outputs_needed} outputs)`;
  }
  if (baseline === null) return state;
  const learned = `${baseline.outputs} outputs from ${timeWords(baseline.from)} to ${timeWords(baseline.until)}`;
  return `${state}: ${chanceWords(score, alarm)}, compared with ${learned}`;
}

function chanceWords(score: number | null, alarm: number): string {
  if (score === null) return 'nothing new yet';
  return `as much difference comes by chance once in ${hoursWords(score)} h (an alarm is at ${hoursWords(alarm)} h)`;
}

function hoursWords(log10: number): string {
  return Math.max(1, Math.round(10 ** log10)).toLocaleString('en-US');
}

/** `length in characters: 821 before, 4 now`. */
function featureWords({ words, before, now }: Change['features'][number]): string {
  return before === '' && now === '' ? words : `${words}: ${before} before, ${now} now`;
}

function exampleLines(title: string, examples: readonly Example[], output: Output): readonly string[] {
  return [
    '',
    styled(output, 'cyan', title),
    ...examples.flatMap(({ trace_id, started_at, text = null }) => [
      styled(output, 'dim', `  ${timeWords(started_at)}, trace ${trace_id}`),
      ...shownLines(text).map((line) => `    ${line}`),
    ]),
  ];
}

function shownLines(text: string | null): readonly string[] {
  if (text === null) return ['(its text is not kept)'];
  if (text.trim() === '') return ['(empty)'];
  const lines = text.trim().split(/\r?\n/);
  const shown = lines
    .slice(0, EXAMPLE_LINES_SHOWN)
    .map((line) => (line.length > EXAMPLE_CHARACTERS_SHOWN ? `${line.slice(0, EXAMPLE_CHARACTERS_SHOWN)}…` : line));
  return lines.length > shown.length ? [...shown, '…'] : shown;
}

function orDash(text: string): string {
  return text === '' ? '-' : text;
}

function dayOf(time: Timestamp): string {
  return time.slice(0, 10);
}
