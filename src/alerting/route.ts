/** Stage 1: who is told. Pure. */

import type { Incident } from '../contract/incident.ts';
import type { Severity, Verdict } from '../contract/verdict.ts';
import { isWorse } from '../drift/severity.ts';

/** One entry of `routes:`. All keys of `match` must agree; a list agrees when one of its entries does. */
export interface AlertRoute {
  readonly match: {
    /** Names; `*` stands for any characters: `prod*`, `support.*`. */
    readonly environment?: readonly string[] | undefined;
    readonly prompt?: readonly string[] | undefined;
    readonly owner?: readonly string[] | undefined;
    readonly verdict?: readonly Verdict[] | undefined;
    /** This bad or worse. */
    readonly severity?: Severity | undefined;
  };
  readonly channels: readonly string[];
}

/**
 * The channels of every route that matches, each once. Without routes, all channels: somebody who
 * configures a channel and nothing else wants to hear.
 */
export function routeIncident(
  incident: Pick<Incident, 'environment' | 'prompt' | 'owner' | 'verdict' | 'severity'>,
  routes: readonly AlertRoute[],
  channels: readonly string[],
): readonly string[] {
  if (routes.length === 0) return channels;
  const wanted = new Set(routes.filter((route) => matches(incident, route)).flatMap((route) => route.channels));
  return channels.filter((channel) => wanted.has(channel));
}

function matches(
  incident: Pick<Incident, 'environment' | 'prompt' | 'owner' | 'verdict' | 'severity'>,
  { match }: AlertRoute,
): boolean {
  return (
    matchesName(incident.environment, match.environment) &&
    matchesName(incident.prompt, match.prompt) &&
    matchesName(incident.owner ?? '', match.owner) &&
    (match.verdict === undefined || match.verdict.includes(incident.verdict)) &&
    (match.severity === undefined || !isWorse(match.severity, incident.severity))
  );
}

function matchesName(name: string, patterns: readonly string[] | undefined): boolean {
  return patterns === undefined || patterns.some((pattern) => matchesPattern(name, pattern));
}

/** Without a regular expression, so that no pattern can be slow. */
function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let from = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
