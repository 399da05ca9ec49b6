/** How series of outputs are named in the tables that are kept of them, and asked for there. */

import type { OutputSeries } from '../../contract/output-log.ts';
import type { QueryParameters } from '../database.ts';

/** In the order of the tables' keys. */
export const SERIES = 'prompt, environment, version, model';

/** True of the rows of some series; its parameters are `parametersOfSeries`. */
export const OF_SERIES = `(${SERIES}) IN (
  SELECT arrayJoin(arrayZip(
    {prompts:Array(String)}, {environments:Array(String)}, {versions:Array(String)}, {models:Array(String)}
  ))
)`;

export function parametersOfSeries(series: readonly OutputSeries[]): QueryParameters {
  return {
    prompts: series.map(({ prompt }) => prompt),
    environments: series.map(({ environment }) => environment),
    versions: series.map(({ version }) => version),
    models: series.map(({ model }) => model),
  };
}

/** True of the rows of one series, whose names are the parameters. */
export const OF_ONE_SERIES = SERIES.split(', ')
  .map((column) => `${column} = {${column}:String}`)
  .join(' AND ');

/** True of the rows of some hours, which are a parameter: `secondsOf` each. */
export const OF_HOUR = 'toUnixTimestamp(hour) IN {hours:Array(UInt32)}';

/** Of a row, or of anything else that names one. */
export function seriesOf({ environment, prompt, version, model }: OutputSeries): OutputSeries {
  return { environment, prompt, version, model };
}

/** Equal for the same series. */
export function keyOfSeries({ environment, prompt, version, model }: OutputSeries): string {
  return JSON.stringify([environment, prompt, version, model]);
}
