/** `plumbline doctor`: checks everything that the configuration names, and says what is wrong. */

import { formatProblems } from '../../lib/problems.ts';
import { asTyped, type Check, type CliContext } from '../context.ts';
import { styled } from '../output.ts';
import type { Verb } from '../verb.ts';

const MARKS = { ok: ['green', 'ok'], warning: ['yellow', 'warning'], failed: ['red', 'failed'] } as const;

export const doctor: Verb = {
  usage: 'doctor',
  summary: 'Check everything the configuration names: store, queue, registry, sources, channels, ports.',
  options: [['--send-test', 'send a test alert, and its end, through every channel']],
  examples: ['doctor', 'doctor --send-test', 'doctor --json'],
  run: async (_positional, flags, context) => {
    const { output } = context;
    const loaded = await context.toolbox.configuration(flags);
    if (!loaded.ok) {
      if (flags['json'] === true) output.json({ healthy: false, problems: loaded.problems });
      else output.print(formatProblems(loaded.problems));
      return 1;
    }
    const checks: Check[] = [];
    const wishes = { sendTest: flags['sendTest'] === true, command: context.command };
    for await (const check of context.toolbox.doctor(loaded.configuration, wishes)) {
      checks.push(check);
      if (flags['json'] !== true) output.print(line(check, context));
    }
    const failed = checks.filter((check) => check.status === 'failed').length;
    if (flags['json'] === true) output.json({ healthy: failed === 0, checks });
    else
      output.print(
        failed === 0
          ? styled(output, 'green', 'Everything answers.')
          : styled(output, 'red', `${failed} of ${checks.length} checks failed.`),
      );
    return failed === 0 ? 0 : 1;
  },
};

function line(check: Check, context: CliContext): string {
  const { output } = context;
  const [style, mark] = MARKS[check.status];
  const hint = check.hint === undefined ? '' : `\n           ${styled(output, 'dim', asTyped(check.hint, context))}`;
  return `${styled(output, style, mark.padEnd(8))}  ${check.what}: ${asTyped(check.words, context)}${hint}`;
}
