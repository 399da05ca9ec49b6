/** Which places a command names: by an alert, by incidents, by what is open in a source or an environment, or one by one. */

import { Fault } from '../contract/fault.ts';
import { allPages, type DaemonClient } from './client.ts';
import type { Output } from './output.ts';
import { counted, nameOf, type Place } from './restore-many.ts';
import { listFlag, textFlag, type Flags } from './verb.ts';

interface Incident {
  readonly id: string;
  readonly status: string;
  readonly environment: string;
  readonly target: string;
  readonly part: string;
  readonly expected: object | null;
  readonly observed: { readonly hash: string | null };
}

/** True when a flag chooses among incidents. */
export function choosesIncidents(flags: Flags): boolean {
  return (
    flags['open'] === true ||
    textFlag(flags, 'alert') !== undefined ||
    [...listFlag(flags, 'incident'), ...listFlag(flags, 'source'), ...listFlag(flags, 'environment')].length > 0
  );
}

/** Says of which incidents there is nothing to put back. */
export async function placesOf(client: DaemonClient, flags: Flags, output: Output): Promise<readonly Place[]> {
  const sources = listFlag(flags, 'source');
  const environments = listFlag(flags, 'environment');
  const chosen = (await incidentsOf(client, flags)).filter(
    ({ target, environment }) =>
      (sources.length === 0 || sources.some((source) => target.startsWith(`${source}/`))) &&
      (environments.length === 0 || environments.includes(environment)),
  );
  const targets = await allPages<{ readonly id: string; readonly powers: readonly string[] }>(
    client,
    '/api/v1/targets',
  );
  const writable = new Set(targets.filter(({ powers }) => powers.includes('restore')).map(({ id }) => id));
  const able = chosen.filter(({ target, expected }) => expected !== null && writable.has(target));
  const left = chosen.filter((incident) => !able.includes(incident));
  if (left.length > 0) {
    output.note(`${counted(left.length, 'incident')} can't be put back from here (no write, or nothing pinned):`);
    for (const incident of left) output.note(`  ${nameOf(incident)}`);
  }
  return able.map(({ id, target, part, observed }) => ({
    target,
    part,
    seen: observed.hash ?? 'missing',
    incident: id,
  }));
}

async function incidentsOf(client: DaemonClient, flags: Flags): Promise<readonly Incident[]> {
  const alert = textFlag(flags, 'alert');
  const ids = listFlag(flags, 'incident');
  if (alert !== undefined && ids.length > 0) throw new Fault('config', 'Use one of --alert and --incident.');
  if (alert !== undefined) {
    const path = `/api/v1/alerts/${encodeURIComponent(alert)}`;
    return (await client.get<{ data: readonly Incident[] }>(path)).data;
  }
  if (ids.length > 0)
    return Promise.all(ids.map((id) => client.get<Incident>(`/api/v1/incidents/${encodeURIComponent(id)}`)));
  const unresolved = await allPages<Incident>(client, '/api/v1/incidents', { status: 'unresolved' });
  // Who asked for quiet wants it left as it is for now.
  return unresolved.filter(({ status }) => status !== 'snoozed');
}
