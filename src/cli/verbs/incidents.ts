/** `plumbline incidents`: what is wrong, one in full, and what a person says about it. */

import { Fault } from '../../contract/fault.ts';
import type { TimeInterval } from '../../contract/time.ts';
import { intervalWords } from '../../text/time-words.ts';
import { allPages, type DaemonClient } from '../client.ts';
import { daemonOf } from '../context.ts';
import { colourDiff, styled, table, type Output } from '../output.ts';
import { textFlag, type Flags, type Verb } from '../verb.ts';

interface Incident {
  readonly id: string;
  readonly status: string;
  readonly verdict: string;
  readonly severity: string;
  readonly summary: string;
  readonly prompt: string;
  readonly environment: string;
  readonly target: string;
  readonly diff: string;
  readonly opened_at: string;
  readonly resolved_at: string | null;
  readonly resolution: string | null;
  readonly changed_between: TimeInterval;
  readonly changed_by: string | null;
  readonly first_changed_between: TimeInterval;
  readonly invocations_affected: number;
  readonly evidence: readonly { readonly kind: string; readonly words: string }[];
  readonly deliveries?: readonly {
    readonly channel: string;
    readonly transition: string;
    readonly status: string;
    readonly detail: string;
  }[];
}

export const incidents: Verb = {
  usage: 'incidents [id]',
  summary: 'Incidents that are not resolved, or one in full. Exit code 1 when there are any.',
  options: [
    ['--all', 'also the resolved ones'],
    ['--acknowledge', 'say that somebody is on it'],
    ['--snooze <duration>', 'quiet for a while, e.g. 2h'],
    ['--resolve', 'close it by hand'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['incidents', 'incidents 4f1c2a90e7b35d18 --acknowledge', 'incidents 4f1c2a90e7b35d18 --snooze 2h'],
  run: async ([id], flags, context) => {
    const { output } = context;
    const client = await daemonOf(flags, context);
    if (id === undefined) {
      if (actionOf(flags) !== null)
        throw new Fault('config', 'Name the incident.', { hint: '`plumbline incidents` lists them.' });
      const status = flags['all'] === true ? undefined : 'unresolved';
      const data = await allIncidents(client, status);
      if (flags['json'] === true) output.json({ data });
      else
        output.print(data.length === 0 ? styled(output, 'green', 'Nothing is out of true.') : overview(data, output));
      return data.some((incident) => incident.status !== 'resolved') ? 1 : 0;
    }
    const action = actionOf(flags);
    if (action !== null) await client.post(`/api/v1/incidents/${encodeURIComponent(id)}/${action.path}`, action.body);
    const incident = await client.get<Incident>(`/api/v1/incidents/${encodeURIComponent(id)}`);
    if (flags['json'] === true) output.json(incident);
    else output.print(describe(incident, output));
    return incident.status === 'resolved' ? 0 : 1;
  },
};

/** All of them, however many pages: what is left out would count as right. */
function allIncidents(client: DaemonClient, status: string | undefined): Promise<readonly Incident[]> {
  return allPages<Incident>(client, '/api/v1/incidents', { status });
}

function actionOf(flags: Flags): { readonly path: string; readonly body?: object } | null {
  const duration = textFlag(flags, 'snooze');
  const wanted = [
    ...(flags['acknowledge'] === true ? [{ path: 'acknowledge' }] : []),
    ...(duration === undefined ? [] : [{ path: 'snooze', body: { for: duration } }]),
    ...(flags['resolve'] === true ? [{ path: 'resolve' }] : []),
  ];
  if (wanted.length > 1) throw new Fault('config', 'Use one of --acknowledge, --snooze and --resolve.');
  return wanted[0] ?? null;
}

function overview(listed: readonly Incident[], output: Output): string {
  const rows = listed.map((incident) => [
    incident.id,
    incident.status,
    styled(output, incident.status === 'resolved' ? 'green' : 'red', incident.verdict),
    incident.target,
    incident.opened_at.slice(0, 19).replace('T', ' '),
    incident.summary,
  ]);
  return table([['id', 'status', 'verdict', 'target', 'opened (UTC)', 'what'], ...rows]);
}

function describe(incident: Incident, output: Output): string {
  const lines = [
    styled(output, 'bold', incident.summary),
    '',
    `incident   ${incident.id}  ${incident.status}  ${incident.severity}`,
    `prompt     ${incident.prompt} in ${incident.environment}`,
    `target     ${incident.target}`,
    `opened     ${incident.opened_at}`,
    ...changeLines(incident),
    `calls      ${callsWords(incident)}`,
    ...(incident.resolved_at === null ? [] : [`resolved   ${incident.resolved_at}, ${incident.resolution ?? ''}`]),
    '',
    ...incident.evidence.map(({ kind, words }) => `${styled(output, 'dim', `${kind}:`)} ${words}`),
  ];
  if (incident.diff !== '') lines.push('', colourDiff(output, incident.diff.trimEnd()));
  for (const delivery of incident.deliveries ?? []) {
    lines.push(
      styled(output, 'dim', `${delivery.transition} → ${delivery.channel}: ${delivery.status} ${delivery.detail}`),
    );
  }
  return lines.join('\n');
}

/** The first change is told where others followed it. */
function changeLines({ changed_between, changed_by, first_changed_between }: Incident): readonly string[] {
  const [last, first] = [intervalWords(changed_between), intervalWords(first_changed_between)];
  const by = changed_by === null ? '' : `, by ${changed_by}`;
  return [`changed    ${last}${by}`, ...(first === last ? [] : [`first      ${first}`])];
}

/** Of everything that was wrong there. While it goes on a count is kept until there are twice as many. */
function callsWords({ invocations_affected: calls, status }: Incident): string {
  if (calls === 0) return status === 'resolved' ? 'none seen' : 'none seen so far';
  return status === 'resolved' ? `${calls} affected` : `at least ${calls} affected so far`;
}
