/** `plumbline restore`: put registered versions back, and say what is there afterwards. */

import { Fault } from '../../contract/fault.ts';
import type { DaemonClient } from '../client.ts';
import { confirm } from '../confirm.ts';
import { daemonOf, type CliContext } from '../context.ts';
import { colourDiff, styled } from '../output.ts';
import { choosesIncidents, placesOf } from '../places-to-restore.ts';
import {
  conclude,
  nameOf,
  nothingToPutBack,
  reportJson,
  restoreMany,
  type Outcome,
  type Place,
} from '../restore-many.ts';
import { textFlag, type ExitCode, type Flags, type Verb } from '../verb.ts';

interface OneOutcome extends Outcome {
  readonly read_back: { readonly hash: string | null; readonly matches: boolean } | null;
}

export const restore: Verb = {
  usage: 'restore [targets...]',
  summary:
    'Put the pinned version back at a target (SOURCE/prompt), or another one with --to. At several, or at all that an alert or open incidents name, after one question.',
  options: [
    ['--to <version>', 'a registered version (default: the pinned one)'],
    ['--part <part>', 'which of several contents (default: the only one)'],
    ['--dry-run', 'show what would be written, write nothing'],
    ['--expect <hash>', 'only over this content, as alerts and --dry-run tell it; `missing`: only where nothing is'],
    ['--alert <id>', 'all that this alert lists, over what it saw there'],
    ['--open', 'all that is wrong, but for what is snoozed'],
    ['--source <name>...', 'of it only what is in this source; may be repeated'],
    ['--environment <name>...', 'of it only what is in this environment; may be repeated'],
    ['--incident <id>...', 'the place of this incident; may be repeated'],
    ['--yes', 'do not ask'],
    ['--reason <text>', 'for the history'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    'restore checkout-config/support.intent-classifier --dry-run',
    'restore checkout-config/support.intent-classifier',
    'restore --source checkout-config --environment production --reason "the pipeline of 14:02"',
  ],
  run: async (targets, flags, context) => {
    const chooses = choosesIncidents(flags);
    const [target, ...others] = targets;
    if (chooses && target !== undefined)
      throw new Fault('config', 'Name targets, or choose incidents by flags: not both.');
    if (!chooses && target === undefined)
      throw new Fault('config', 'Name a target, or say --open, --alert, --source, --environment or --incident.', {
        hint: '`plumbline incidents` lists what is wrong. A target is SOURCE/prompt.',
      });
    const client = await daemonOf(flags, context);
    if (target !== undefined && others.length === 0) return restoreOne(client, target, flags, context);
    for (const flag of ['expect', 'part'])
      if (textFlag(flags, flag) !== undefined) throw new Fault('config', `--${flag} is about one target.`);
    const places = chooses ? await placesOf(client, flags, context.output) : targets.map(placeOf);
    if (places.length === 0) throw nothingToPutBack();
    // Named twice, one would be written twice at the same moment.
    return restoreAll(client, [...new Map(places.map((place) => [nameOf(place), place])).values()], flags, context);
  },
};

function placeOf(target: string): Place {
  return { target, part: '', seen: null, incident: null };
}

async function restoreOne(
  client: DaemonClient,
  target: string,
  flags: Flags,
  { output }: CliContext,
): Promise<ExitCode> {
  const isDryRun = flags['dryRun'] === true;
  const outcome = await client.post<OneOutcome>('/api/v1/restore', {
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
}

async function restoreAll(
  client: DaemonClient,
  places: readonly Place[],
  flags: Flags,
  { output }: CliContext,
): Promise<ExitCode> {
  const json = flags['json'] === true;
  const interrupted = new AbortController();
  // Once: what is being written ends, and nothing more is begun. Twice: it ends as anything does.
  const onInterrupt = (): void => {
    output.note('Ending what has begun …');
    interrupted.abort();
  };
  process.once('SIGINT', onInterrupt);
  try {
    const reports = await restoreMany(client, output, places, {
      version: textFlag(flags, 'to'),
      reason: textFlag(flags, 'reason') ?? '',
      dryRun: flags['dryRun'] === true,
      json,
      agrees: async (question) => flags['yes'] === true || confirm(question),
      signal: interrupted.signal,
    });
    if (json) output.json({ data: reports.map(reportJson) });
    return conclude(reports, output);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}
