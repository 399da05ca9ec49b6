/** `plumbline variables`: what filled the variables of a prompt? */

import type { VariableUse } from '../../contract/variable-log.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output } from '../output.ts';
import { slipIn } from '../slip.ts';
import { textFlag, timeFlag, type Verb } from '../verb.ts';

interface Answer {
  readonly prompt: string;
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  readonly calls_with_variables: number;
  readonly calls_looked_at: number;
  readonly data: readonly VariableUse[];
}

/** A value may be a whole document; the terminal shows its beginning. */
const VALUE_CHARACTERS_SHOWN = 80;

export const variables: Verb = {
  usage: 'variables <prompt>',
  summary:
    'What filled the variables of a prompt: how often, how many different values, how long, and the most frequent.',
  options: [
    ['--prompt-version <version>', 'only calls of this version'],
    ['--environment <name>', 'only calls of this environment'],
    ['--service <name>', 'only calls of this service'],
    ['--from <rfc3339>', 'calls since then (default: a day before the end)'],
    ['--to <rfc3339>', 'calls until then (default: now)'],
    ['--top <count>', 'how many values of each variable', '5'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['variables support.intent-classifier --prompt-version 3', 'variables support.intent-classifier --json'],
  run: async ([prompt = ''], flags, context) => {
    const client = await daemonOf(flags, context);
    const environment = textFlag(flags, 'environment');
    const answer = await client.get<Answer>(`/api/v1/prompts/${encodeURIComponent(prompt)}/variables`, {
      version: textFlag(flags, 'promptVersion'),
      environment,
      service: textFlag(flags, 'service'),
      from: timeFlag(flags, 'from'),
      to: timeFlag(flags, 'to'),
      top: textFlag(flags, 'top'),
    });
    if (flags['json'] === true) context.output.json(answer);
    else context.output.print(describe(answer, context.output));
    if (answer.data.length > 0) return 0;
    const slip = answer.calls > 0 ? null : await slipIn(client, prompt, environment);
    if (slip !== null) context.output.note(slip);
    return 1;
  },
};

function describe(answer: Answer, output: Output): string {
  const { calls, calls_with_variables: rendered, calls_looked_at: looked } = answer;
  const cut = looked < rendered ? `, of which ${looked} were looked at` : '';
  const lines = [
    styled(output, 'bold', answer.prompt),
    `  ${calls} calls from ${answer.from} to ${answer.to}; of ${rendered} it is known what filled the variables${cut}`,
  ];
  for (const { name, calls: filled, distinct, characters, top } of answer.data) {
    const lengths =
      characters === null
        ? 'only hashes are kept'
        : `${characters.min} to ${characters.max} characters, half up to ${characters.p50}`;
    lines.push('', `${styled(output, 'cyan', name)}  ${filled} calls, ${distinct} different values, ${lengths}`);
    lines.push(table(top.map((value) => [`  ${value.calls}`, value.kept ? shown(value.value) : value.value])));
  }
  return lines.join('\n');
}

function shown(value: string): string {
  return JSON.stringify(value.length > VALUE_CHARACTERS_SHOWN ? `${value.slice(0, VALUE_CHARACTERS_SHOWN)}…` : value);
}
