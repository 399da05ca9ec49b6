/** `plumbline restore`: put a registered version back, and say what is there afterwards. */

import { daemonOf } from '../context.ts';
import { colourDiff, styled } from '../output.ts';
import { textFlag, type Verb } from '../verb.ts';

interface Outcome {
  readonly target: string;
  readonly version: string;
  readonly written: boolean;
  readonly diff: string;
  readonly read_back: { readonly hash: string | null; readonly matches: boolean } | null;
  readonly words: string;
}

export const restore: Verb = {
  usage: 'restore <target>',
  summary: 'Put the pinned version back at a target (SOURCE/prompt), or another one with --to.',
  options: [
    ['--to <version>', 'a registered version (default: the pinned one)'],
    ['--dry-run', 'show what would be written, write nothing'],
    ['--reason <text>', 'for the history'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    'restore checkout-config/support.intent-classifier --dry-run',
    'restore checkout-config/support.intent-classifier',
  ],
  run: async ([target = ''], flags, context) => {
    const { output } = context;
    const outcome = await (
      await daemonOf(flags, context)
    ).post<Outcome>('/api/v1/restore', {
      target,
      version: textFlag(flags, 'to'),
      dry_run: flags['dryRun'] === true,
      reason: textFlag(flags, 'reason') ?? '',
    });
    if (flags['json'] === true) {
      output.print(JSON.stringify(outcome, null, 2));
    } else {
      if (outcome.diff !== '') output.print(colourDiff(output, outcome.diff.trimEnd()));
      output.print(styled(output, outcome.read_back?.matches === false ? 'red' : 'green', outcome.words));
    }
    return outcome.read_back?.matches === false ? 1 : 0;
  },
};
