/** `plumbline usage`: what prompts and versions cost, how slow they are, where they fail. */

import type { UsageRow } from '../../contract/invocation-log.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output } from '../output.ts';
import { textFlag, timeFlag, type Verb } from '../verb.ts';

interface Answer {
  readonly data: readonly UsageRow[];
}

export const usage: Verb = {
  usage: 'usage',
  summary: 'What calls cost, by prompt and version or otherwise: tokens, money, latency and errors.',
  options: [
    ['--by <groups>', 'prompt, version, model, service, owner, environment, day: one or more', 'prompt,version'],
    ['--from <rfc3339>', 'calls since then (default: a day before the end)'],
    ['--to <rfc3339>', 'calls before then (default: now)'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['usage', 'usage --by prompt,day --from 2026-11-01T00:00:00Z', 'usage --by model --json'],
  run: async (_positional, flags, context) => {
    const by = textFlag(flags, 'by') ?? '';
    const [from, to] = [timeFlag(flags, 'from'), timeFlag(flags, 'to')];
    const daemon = await daemonOf(flags, context);
    const answer = await daemon.get<Answer>('/api/v1/usage', { group_by: by, from, to });
    if (flags['json'] === true) context.output.json(answer);
    else if (answer.data.length === 0) context.output.print('No calls began in this period.');
    else context.output.print(asTable(by.split(','), answer.data, context.output));
    return 0;
  },
};

function asTable(by: readonly string[], rows: readonly UsageRow[], output: Output): string {
  const groups = [...new Set(by.map((group) => group.trim()))];
  const titles = ['calls', 'errors', 'input', 'cached', 'output', 'p50', 'p95', 'usd', 'not priced'];
  const head = [...groups, ...titles].map((title) => styled(output, 'dim', title));
  return table([head, ...rows.map((row) => [...groups.map((group) => nameOf(row[group])), ...totalsOf(row)])]);
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}

function totalsOf(row: UsageRow): readonly string[] {
  return [
    String(row.calls),
    String(row.errors),
    String(row.input_tokens),
    String(row.cache_read_tokens),
    String(row.output_tokens),
    millis(row.latency_ms.p50),
    millis(row.latency_ms.p95),
    row.cost_usd,
    row.unpriced_calls === 0 ? '' : `${row.unpriced_calls} calls`,
  ];
}

function millis(value: number | null): string {
  return value === null ? '-' : `${Math.round(value)} ms`;
}
