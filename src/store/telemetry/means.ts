/** Means by the hour of what the registry declares, from the sums of usage. */

import type { HourOfMean, MeansQuery, SeriesOfMeans } from '../../contract/baseline-log.ts';
import { compareText } from '../../lib/compare.ts';
import { timestampFromMillis } from '../../lib/time.ts';
import { COST_OF_CALL, judgedName } from '../../text/declared-metric.ts';
import type { Database, QueryParameters } from '../database.ts';
import { partialSums, type AddUpOptions } from './usage-hours.ts';

const OF_SERIES = 'environment, prompt, version';
const AT_HOUR = 'toUnixTimestamp(toStartOfHour(part.hour))';
const IS_ASKED_FOR = `(part.prompt, part.version) IN (
  SELECT arrayJoin(arrayZip({prompts:Array(String)}, {versions:Array(String)})))`;

interface MeansRow {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  readonly name: string;
  readonly hours: readonly number[];
  readonly counts: readonly number[];
  readonly sums: readonly (number | null)[];
}

/** Of each environment in which there are such calls. */
export async function queryMeans(
  database: Database,
  { from, to, of, seriesMax }: MeansQuery,
  addUp: AddUpOptions,
): Promise<readonly SeriesOfMeans[]> {
  if (of.length === 0) return [];
  const { sql, parameters } = await partialSums(database, { from, to, timeZone: 'UTC' }, addUp);
  const declared = Map.groupBy(of, ({ metric }) => judgedName(metric) ?? '');
  const found: SeriesOfMeans[] = [];
  const costs = declared.get('') ?? [];
  if (costs.length > 0) {
    const rows = await database.query<MeansRow>(costsOf(sql), { ...parameters, ...versionsOf(costs), seriesMax });
    found.push(...rows.map((row) => toSeries(row, COST_OF_CALL)));
  }
  const judged = of.filter(({ metric }) => judgedName(metric) !== null);
  if (judged.length > 0) {
    const names = [...declared.keys()].filter((name) => name !== '');
    const rows = await database.query<MeansRow>(scoresOf(sql), {
      ...parameters,
      ...versionsOf(judged),
      names,
      seriesMax,
    });
    const isDeclared = new Set(judged.map(({ prompt, version, metric }) => JSON.stringify([prompt, version, metric])));
    const series = rows.map((row) => toSeries(row, `baseline_${row.name}`));
    found.push(
      ...series.filter(({ series: { prompt, version, metric } }) =>
        isDeclared.has(JSON.stringify([prompt, version, metric])),
      ),
    );
  }
  return found;
}

function versionsOf(of: MeansQuery['of']): QueryParameters {
  return { prompts: of.map(({ prompt }) => prompt), versions: of.map(({ version }) => version) };
}

/** What failed has mostly no price. An hour of which less than half of the rest has one says nothing of the rest. */
function costsOf(sums: string): string {
  return `SELECT ${OF_SERIES}, '' AS name, groupArray(at) AS hours, groupArray(priced) AS counts, groupArray(cost) AS sums
    FROM (
      SELECT ${OF_SERIES}, ${AT_HOUR} AS at, toFloat64(sum(part.calls) - sum(part.unpriced_calls)) AS priced,
        toFloat64(sum(part.cost_usd)) AS cost
      FROM (${sums}) AS part WHERE ${IS_ASKED_FOR}
      GROUP BY ${OF_SERIES}, at
      HAVING priced > 0 AND 2 * priced >= toFloat64(sum(part.calls)) - toFloat64(sum(part.errors))
    )
    GROUP BY ${OF_SERIES} ORDER BY sum(priced) DESC LIMIT {seriesMax:UInt32}
    SETTINGS do_not_merge_across_partitions_select_final = 1`;
}

function scoresOf(sums: string): string {
  return `SELECT ${OF_SERIES}, name, groupArray(at) AS hours, groupArray(scored) AS counts, groupArray(score) AS sums
    FROM (
      SELECT ${OF_SERIES}, JSONExtractString(judged.1, 1) AS name, ${AT_HOUR} AS at,
        toFloat64(sum(judged.2)) AS scored, toFloat64(sum(judged.3)) AS score
      FROM (${sums}) AS part
      ARRAY JOIN arrayZip(part.judgements.1, part.judgements.3, part.judgements.4) AS judged
      WHERE judged.2 > 0 AND ${IS_ASKED_FOR} AND has({names:Array(String)}, JSONExtractString(judged.1, 1))
      GROUP BY ${OF_SERIES}, name, at
    )
    GROUP BY ${OF_SERIES}, name ORDER BY sum(scored) DESC LIMIT {seriesMax:UInt32}
    SETTINGS do_not_merge_across_partitions_select_final = 1`;
}

function toSeries({ environment, prompt, version, hours, counts, sums }: MeansRow, metric: string): SeriesOfMeans {
  const means = hours.map((hour, index): HourOfMean => {
    const of = counts[index] as number;
    // Of scores that no number holds together the engine makes null.
    return { hour: timestampFromMillis(hour * 1_000), of, mean: (sums[index] ?? Number.NaN) / of };
  });
  return {
    series: { environment, prompt, version, metric },
    hours: means.filter(({ mean }) => Number.isFinite(mean)).toSorted((a, b) => compareText(a.hour, b.hour)),
  };
}
