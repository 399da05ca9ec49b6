/** `plumbline usage`: what prompts and versions cost, how slow and how good they are, where they fail. */

import { Fault } from '../../contract/fault.ts';
import { USAGE_KEYS, type UsageRow } from '../../contract/invocation-log.ts';
import { daemonOf } from '../context.ts';
import { styled, table, type Output } from '../output.ts';
import { slipIn } from '../slip.ts';
import { compareUsage } from '../usage-comparison.ts';
import { declaredWords, judgedWords, millisWords, NONE, p95Note, p95Words } from '../usage-words.ts';
import { listFlag, textFlag, timeFlag, type Flags, type Verb } from '../verb.ts';

interface Answer {
  readonly data: readonly UsageRow[];
}

export const usage: Verb = {
  usage: 'usage [prompt]',
  summary:
    'What calls cost, by prompt and version or otherwise: tokens, money, latency, errors, and how they were judged.',
  options: [
    ['--by <groups>', `${USAGE_KEYS.join(', ')}, day: one or more (default: prompt,version)`],
    ['--only <group=value>...', 'calls of it only, such as environment=production; may be repeated'],
    ['--compare <versions>', 'versions of the prompt side by side, such as 3,4: what a call costs, and how it ends'],
    ['--from <rfc3339>', 'calls since then (default: a day before the end)'],
    ['--to <rfc3339>', 'calls before then (default: now)'],
    ['--timezone <name>', 'whose days are meant, such as Europe/Berlin (default: UTC)'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    'usage',
    'usage --by prompt,day --from 2026-11-01T00:00:00+01:00 --timezone Europe/Berlin',
    'usage support.intent-classifier --compare 3,4 --only environment=production --from 2026-11-01T00:00:00Z',
    'usage --by model --json',
  ],
  run: async (positional, flags, context) => {
    const { output } = context;
    const versions = comparedVersions(positional, flags);
    const by = textFlag(flags, 'by') ?? (versions === null ? 'prompt,version' : 'version');
    const only = onlyOf(positional, flags);
    const query = {
      ...only,
      group_by: by,
      from: timeFlag(flags, 'from'),
      to: timeFlag(flags, 'to'),
      timezone: textFlag(flags, 'timezone'),
    };
    const daemon = await daemonOf(flags, context);
    const { data } = await daemon.get<Answer>('/api/v1/usage', query);
    const rows = versions?.map((version) => rowOf(data, version));
    if (flags['json'] === true) output.json({ data: rows?.filter((row) => row !== null) ?? data });
    else if (data.length === 0) output.print('No calls began in this period.');
    else if (versions === null || rows === undefined) output.print(asTable(by.split(','), data, output));
    else output.print(table(compareUsage(versions, rows)));
    const few = flags['json'] === true ? null : p95Note(rows ?? data);
    if (few !== null) output.note(few);
    const slip =
      data.length > 0 || only['prompt'] === undefined
        ? null
        : await slipIn(daemon, only['prompt'], only['environment']);
    if (slip !== null) output.note(slip);
    const silent = versions?.filter((_, index) => rows?.[index] === null) ?? [];
    if (silent.length > 0)
      output.note(
        `Without calls in this period: ${silent.join(', ')}. Ask from an earlier time, or of another version.`,
      );
    return 0;
  },
};

/** Null when none are asked for. Throws a `Fault` for fewer than two, or of no prompt. */
function comparedVersions([prompt]: readonly string[], flags: Flags): readonly string[] | null {
  const text = textFlag(flags, 'compare');
  if (text === undefined) return null;
  const versions = text.split(',').map((version) => version.trim());
  const hint = 'e.g. usage support.intent-classifier --compare 3,4';
  if (prompt === undefined) throw new Fault('config', 'Say of which prompt.', { hint });
  if (versions.length < 2) throw new Fault('config', 'Say which versions.', { hint });
  if (textFlag(flags, 'by') !== undefined) throw new Fault('config', 'Versions are compared as a whole.', { hint });
  return versions;
}

/** As alerts call it, too: `v3`. */
function rowOf(rows: readonly UsageRow[], version: string): UsageRow | null {
  const called = (name: string): UsageRow | undefined => rows.find((row) => row['version'] === name);
  return called(version) ?? called(version.replace(/^v/, '')) ?? null;
}

function onlyOf([prompt]: readonly string[], flags: Flags): Readonly<Record<string, string>> {
  const only: [string, string][] = prompt === undefined ? [] : [['prompt', prompt]];
  for (const text of listFlag(flags, 'only')) {
    const [, key, value] = /^([a-z_]+)=(.*)$/s.exec(text) ?? [];
    const known = USAGE_KEYS.find((each) => each === key);
    if (known === undefined || value === undefined) {
      throw new Fault('config', `--only can't be ${text}.`, {
        hint: `Write one of ${USAGE_KEYS.join(', ')} with its value, such as environment=production.`,
      });
    }
    only.push([known, value]);
  }
  return Object.fromEntries(only);
}

function asTable(by: readonly string[], rows: readonly UsageRow[], output: Output): string {
  const groups = [...new Set(by.map((group) => group.trim()))];
  const isJudged = rows.some(({ evaluations }) => Object.keys(evaluations).length > 0);
  const titles = ['calls', 'errors', 'input', 'cached', 'output', 'p50', 'p95', 'usd', 'not priced'];
  const isDeclared = rows.some(({ baselines }) => baselines !== undefined);
  const inWords = [...(isJudged ? ['judged'] : []), ...(isDeclared ? ['declared'] : [])];
  const head = [...groups, ...titles, ...inWords].map((title) => styled(output, 'dim', title));
  const cells = rows.map((row) => [
    ...groups.map((group) => nameOf(row[group])),
    ...totalsOf(row),
    ...(isJudged ? [judgedWords(row)] : []),
    ...(isDeclared ? [declaredWords(row)] : []),
  ]);
  return table([head, ...cells]);
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : NONE;
}

function totalsOf(row: UsageRow): readonly string[] {
  return [
    String(row.calls),
    String(row.errors),
    String(row.input_tokens),
    String(row.cache_read_tokens),
    String(row.output_tokens),
    millisWords(row.latency_ms.p50),
    p95Words(millisWords(row.latency_ms.p95), row),
    row.cost_usd,
    row.unpriced_calls === 0 ? '' : `${row.unpriced_calls} calls`,
  ];
}
