/** What the registry declares of versions, beside what their calls show. Pure. */

import type { UsageBaseline, UsageKey, UsageRow } from '../contract/invocation-log.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import { marginOfMean } from '../lib/mean-margin.ts';
import { COST_OF_CALL, judgedName } from '../text/declared-metric.ts';

/** Rows that are of one version have what is declared of it. `only`: what all rows are of. */
export function withBaselines(
  rows: readonly UsageRow[],
  only: { readonly [Key in UsageKey]?: string | undefined },
  versions: readonly RegisteredVersion[],
): readonly UsageRow[] {
  const declared = new Map(
    versions
      .filter(({ metrics }) => Object.keys(metrics).length > 0)
      .map(({ prompt, version, metrics }) => [JSON.stringify([prompt, version]), metrics]),
  );
  return rows.map((row) => {
    const { prompt = only.prompt, version = only.version } = row;
    const metrics = declared.get(JSON.stringify([prompt, version]));
    const baselines = metrics === undefined ? [] : baselinesOf(metrics, row);
    return baselines.length === 0 ? row : { ...row, baselines: Object.fromEntries(baselines) };
  });
}

/** Of what calls are not measured by, there is none. */
function baselinesOf(metrics: RegisteredVersion['metrics'], row: UsageRow): (readonly [string, UsageBaseline])[] {
  return Object.entries(metrics).flatMap(([name, declared]) => {
    const measured = measureOf(name, row);
    return measured === null ? [] : [[name, { declared, ...measured }] as const];
  });
}

function measureOf(metric: string, row: UsageRow): Omit<UsageBaseline, 'declared'> | null {
  if (metric === COST_OF_CALL) {
    const of = row.calls - row.unpriced_calls;
    return { measured: of === 0 ? null : Number(row.cost_usd) / of, of, margin: null };
  }
  const judged = judgedName(metric);
  if (judged === null) return null;
  const {
    mean_score: measured = null,
    scored: of = 0,
    score_deviation: deviation = null,
  } = row.evaluations[judged] ?? {};
  return { measured, of, margin: marginOfMean(of, deviation) };
}
