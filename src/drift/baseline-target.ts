/** The name of the place where one metric of calls of one prompt shows a problem. No source can have such a name. Pure. */

const PREFIX = 'baseline:';

export function baselineTarget(metric: string, prompt: string): string {
  return `${PREFIX}${metric}/${prompt}`;
}

export function isBaselineTarget(target: string): boolean {
  return target.startsWith(PREFIX);
}
