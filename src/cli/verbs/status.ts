/** `plumbline status`: every target with its verdict. */

import { allPages, type DaemonClient } from '../client.ts';
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
  summary:
    'Every watched target with its newest verdict, and what is wrong with the daemon. Exit code 1 when something drifted.',
  options: [['--url <url>', "the daemon's address"]],
  examples: ['status', 'status --json'],
  run: async (_positional, flags, context) => {
    const daemon = await daemonOf(flags, context);
    const targets = await allPages<Target>(daemon, '/api/v1/targets');
    const problems = await problemsOf(daemon);
    const drifted = targets.some((target) => target.verdicts.some(({ verdict }) => !QUIET.has(verdict)));
    if (flags['json'] === true) context.output.json({ data: targets, problems });
    else if (targets.length === 0) context.output.print('No targets are configured: add sources to plumbline.yaml.');
    else context.output.print(table(targets.flatMap((target) => rows(target, context.output))));
    if (flags['json'] !== true) for (const problem of problems) context.output.note(`Problem: ${problem}`);
    return drifted ? 1 : 0;
  },
};

/** What a verdict may be old for: nothing could be recorded, or a source gives no answer. None of a daemon that starts or stops. */
async function problemsOf(daemon: DaemonClient): Promise<readonly string[]> {
  const answer = await daemon.get<{ problems: readonly string[] }>('/readyz').catch(() => null);
  return answer?.problems ?? [];
}

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
