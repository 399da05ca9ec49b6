/** `plumbline restore`: put a registered version back, and say what is there afterwards. */

import { daemonOf } from '../context.ts';
import { colourDiff, styled } from '../output.ts';
import { textFlag, type Verb } from '../verb.ts';

interface Outcome {
  readonly target: string;
  readonly version: string;
  readonly written: boolean;
  readonly before_hash: string | null;
  readonly diff: string;
  readonly read_back: { readonly hash: string | null; readonly matches: boolean } | null;
  readonly words: string;
}

export const restore: Verb = {
  usage: 'restore <target>',
  summary: 'Put the pinned version back at a target (SOURCE/prompt), or another one with --to.',
  options: [
    ['--to <version>', 'a registered version (default: the pinned one)'],
    ['--part <part>', 'which of several contents (default: the only one)'],
    ['--dry-run', 'show what would be written, write nothing'],
    ['--expect <hash>', 'only over this content, as --dry-run tells it'],
    ['--reason <text>', 'for the history'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    'restore checkout-config/support.intent-classifier --dry-run',
    'restore checkout-config/support.intent-classifier',
  ],
  run: async ([target = ''], flags, context) => {
    const { output } = context;
    const isDryRun = flags['dryRun'] === true;
    const outcome = await (
      await daemonOf(flags, context)
    ).post<Outcome>('/api/v1/restore', {
      target,
      version: textFlag(flags, 'to'),
      part: textFlag(flags, 'part'),
      expect_hash: textFlag(flags, 'expect'),
      dry_run: isDryRun,
      reason: textFlag(flags, 'reason') ?? '',
    });
    if (flags['json'] === true) {
      output.json(outcome);
    } else {
      if (outcome.diff !== '') output.print(colourDiff(output, outcome.diff.trimEnd()));
      output.print(styled(output, outcome.read_back?.matches === false ? 'red' : 'green', outcome.words));
      if (isDryRun && outcome.before_hash !== null)
        output.print(`It holds ${outcome.before_hash}: --expect with that writes only while it still does.`);
    }
    return outcome.read_back?.matches === false ? 1 : 0;
  },
};
