/** `plumbline lock`: pin which version each environment should hold. */

import { Fault } from '../../contract/fault.ts';
import { needConfiguration } from '../context.ts';
import { styled } from '../output.ts';
import { textFlag, type Verb } from '../verb.ts';

export const lock: Verb = {
  usage: 'lock [prompts...]',
  summary: 'Write the lockfile: pin what has no pin yet; PROMPT@VERSION moves a pin; refresh hashes.',
  options: [
    ['--environment <name>', 'only this environment (default: all of the lockfile, else production)'],
    ['--dry-run', 'show what would change, write nothing'],
  ],
  examples: ['lock', 'lock support.intent-classifier@3 --environment staging'],
  run: async (prompts, flags, context) => {
    const { output } = context;
    const configuration = await needConfiguration(flags, context);
    if (configuration.lockFile === null) {
      throw new Fault('config', 'The configuration names no lockfile.', {
        hint: 'Add `lock: ./prompts.lock.yaml` to plumbline.yaml.',
      });
    }
    const plan = await context.toolbox.lock(
      configuration,
      prompts,
      textFlag(flags, 'environment') ?? null,
      flags['dryRun'] === true,
    );
    if (flags['json'] === true) {
      output.json({ file: configuration.lockFile, ...plan });
    } else {
      for (const { kind, environment, prompt, from, to } of plan.changes) {
        const before = from === null || from.version === to.version ? '' : ` (was ${from.version})`;
        output.print(
          `${styled(output, 'green', kind.replace('_', ' '))}  ${prompt} ${to.version}${before} in ${environment}${kind === 'hash_refreshed' ? ': its content is not what was pinned before' : ''}`,
        );
      }
      for (const refusal of plan.refusals) output.note(styled(output, 'red', refusal));
      if (plan.changes.length === 0 && plan.refusals.length === 0)
        output.print('Nothing to change: every prompt has its pin.');
      else if (!plan.written) output.note('Nothing was written.');
    }
    return plan.refusals.length === 0 ? 0 : 1;
  },
};
