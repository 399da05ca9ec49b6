/**
 * Conditions on when a call started, by the name of a parameter of type DateTime64. Each says the same
 * of the hour, which is what `invocations` is ordered by.
 */

export function startedSince(from: string): string {
  return condition('>=', '>=', from);
}

/** Including that time. */
export function startedUntil(to: string): string {
  return condition('<=', '<=', to);
}

/** Not at that time any more. */
export function startedBefore(to: string): string {
  return condition('<', '<=', to);
}

function condition(comparison: string, ofHours: string, name: string): string {
  const time = `{${name}:DateTime64(9, 'UTC')}`;
  return `started_at ${comparison} ${time} AND toStartOfHour(started_at) ${ofHours} toStartOfHour(${time})`;
}
