/** `plumbline baselines`: do calls still show what the registry declares of them? */

import type { BaselineState } from '../../contract/baseline-log.ts';
import type { TimeInterval, Timestamp } from '../../contract/time.ts';
import { COST_OF_CALL, meanWords, metricValueWords, metricWords, moneyWords } from '../../text/declared-metric.ts';
import { intervalWords, timeWords } from '../../text/time-words.ts';
import { allPages } from '../client.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output, type Style } from '../output.ts';
import { slipIn } from '../slip.ts';
import { textFlag, type Verb } from '../verb.ts';

interface Mean {
  readonly mean: number;
  readonly of: number;
  readonly margin: number | null;
}

interface Status {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  readonly metric: string;
  readonly declared: number;
  readonly state: BaselineState;
  readonly measured: Mean | null;
  readonly until: Timestamp;
  readonly change: {
    readonly between: TimeInterval;
    readonly noticed_at: Timestamp;
    readonly measured: Mean;
    readonly beyond: number;
    readonly calls_a_day: number;
    readonly was_within: boolean;
    readonly accepted_at: Timestamp | null;
  } | null;
}

const STYLES: Readonly<Record<BaselineState, Style>> = {
  unknown: 'dim',
  within: 'green',
  off: 'red',
  accepted: 'yellow',
};

export const baselines: Verb = {
  usage: 'baselines [prompt]',
  summary:
    'Do calls still cost what the registry declares, and are they as good? Exit code 1 when some certainly do not.',
  options: [
    ['--environment <name>', 'only of this environment'],
    ['--state <state>', 'only those that are unknown, within, off or accepted'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['baselines', 'baselines --state off', 'baselines support.intent-classifier'],
  run: async ([prompt], flags, context) => {
    const { output } = context;
    const client = await daemonOf(flags, context);
    const environment = textFlag(flags, 'environment');
    const state = textFlag(flags, 'state');
    const data = await allPages<Status>(client, '/api/v1/baselines', { prompt, environment, state });
    if (flags['json'] === true) output.json({ data });
    else if (data.length === 0) output.print(nothing(prompt, state));
    else output.print([overview(data, output), ...data.flatMap((status) => detail(status, output))].join('\n'));
    if (data.length > 0 || prompt === undefined || state !== undefined)
      return data.some((status) => status.state === 'off') ? 1 : 0;
    const slip = await slipIn(client, prompt, environment);
    if (slip !== null) output.note(slip);
    return slip === null ? 0 : 1;
  },
};

function nothing(prompt: string | undefined, state: string | undefined): string {
  if (state !== undefined) return `There are none in the state ${state}.`;
  const of = prompt === undefined ? '' : ` of ${prompt}`;
  return `Nothing declared${of} was compared yet. It is, hour by hour, where a version's metrics are declared and it has calls.`;
}

function overview(listed: readonly Status[], output: Output): string {
  const rows = listed.map(({ prompt, version, environment, metric, declared, measured, state }) => [
    prompt,
    version,
    environment === '' ? '-' : environment,
    metricWords(metric),
    metricValueWords(metric, declared),
    measured === null ? '-' : meanWords(metric, measured),
    measured === null ? '-' : measured.of.toLocaleString('en-US'),
    styled(output, STYLES[state], state),
  ]);
  return table([['prompt', 'version', 'environment', 'what', 'declared', 'measured', 'of', 'state'], ...rows]);
}

/** Of one that is off: since when, and how certainly. */
function detail({ prompt, version, environment, metric, declared, change }: Status, output: Output): readonly string[] {
  if (change === null) return [];
  const side = metric === COST_OF_CALL ? 'more' : 'less';
  const { measured, beyond } = change;
  const more = moneyWords((measured.mean - declared) * change.calls_a_day);
  return [
    '',
    styled(output, 'bold', `${prompt} ${version}, ${metricWords(metric)}, ${environment === '' ? '-' : environment}`),
    `off since    ${intervalWords(change.between)}${change.was_within ? '' : ': it was not seen near what is declared'}`,
    `noticed      ${timeWords(change.noticed_at)}, certainly ${side} than ${metricValueWords(metric, beyond)}`,
    ...(metric === COST_OF_CALL ? [`costs        ${more} a day more than declared`] : []),
    ...(change.accepted_at === null ? [] : [`accepted     ${timeWords(change.accepted_at)}`]),
  ];
}
