/** `plumbline status`: every target with its verdict. */

import { allPages } from '../client.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output, type Style } from '../output.ts';
import type { Verb } from '../verb.ts';

interface Target {
  readonly id: string;
  readonly environment: string;
  readonly verdicts: readonly {
    readonly part: string;
    readonly verdict: string;
    readonly severity: string;
    readonly summary: string;
    readonly expected: { readonly version: string } | null;
    readonly observed: { readonly version: string | null };
  }[];
}

const QUIET = new Set(['in_sync', 'unreachable', 'unverifiable']);

export const status: Verb = {
  usage: 'status',
  summary: 'Every watched target with its newest verdict. Exit code 1 when something drifted.',
  options: [['--url <url>', "the daemon's address"]],
  examples: ['status', 'status --json'],
  run: async (_positional, flags, context) => {
    const targets = await allPages<Target>(await daemonOf(flags, context), '/api/v1/targets');
    const drifted = targets.some((target) => target.verdicts.some(({ verdict }) => !QUIET.has(verdict)));
    if (flags['json'] === true) context.output.json({ data: targets });
    else if (targets.length === 0) context.output.print('No targets are configured: add sources to plumbline.yaml.');
    else context.output.print(table(targets.flatMap((target) => rows(target, context.output))));
    return drifted ? 1 : 0;
  },
};

function rows(target: Target, output: Output): string[][] {
  if (target.verdicts.length === 0) return [[target.id, target.environment, 'not judged yet', '']];
  return target.verdicts.map(({ part, verdict, summary }) => [
    part === '' ? target.id : `${target.id} (${part})`,
    target.environment,
    styled(output, styleOf(verdict), verdict),
    summary,
  ]);
}

function styleOf(verdict: string): Style {
  if (verdict === 'in_sync') return 'green';
  return QUIET.has(verdict) ? 'yellow' : 'red';
}
