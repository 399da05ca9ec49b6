/**
 * The name of the place where traffic shows a problem: the calls of one service that belong to one
 * prompt. No source can have such a name, for a colon is in none. Pure.
 */

const PREFIX = 'traffic:';

export function trafficTarget(service: string, prompt: string): string {
  return `${PREFIX}${service}/${prompt}`;
}

/** The service whose traffic this is; null for any other target. A service may have slashes in its name, as a prompt may. */
export function serviceOfTraffic(target: string, prompt: string): string | null {
  if (!target.startsWith(PREFIX) || !target.endsWith(`/${prompt}`)) return null;
  return target.slice(PREFIX.length, -prompt.length - 1);
}
