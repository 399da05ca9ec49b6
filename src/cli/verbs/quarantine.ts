/** `plumbline quarantine`: telemetry that could not be taken: list it, look at one, try again, or discard. */

import { Fault } from '../../contract/fault.ts';
import { daemonOf } from '../context.ts';
import { table } from '../output.ts';
import type { Verb } from '../verb.ts';

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly reason: string;
  readonly status: string;
  readonly payload?: string;
}

/** As many as the API gives. */
const LISTED_MAX = 1_000;

export const quarantine: Verb = {
  usage: 'quarantine [id]',
  summary: 'Telemetry that could not be read, stored or settled. Exit code 1 when some is waiting.',
  options: [
    ['--replay', 'try this entry again'],
    ['--discard', 'take this entry off the list'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['quarantine', 'quarantine 8d1f20c4b7e95a36 --replay'],
  run: async ([id], flags, context) => {
    const { output } = context;
    const client = await daemonOf(flags, context);
    const verdicts = ['replay', 'discard'].filter((name) => flags[name] === true);
    if (verdicts.length > 0 && id === undefined)
      throw new Fault('config', 'Name the entry.', { hint: 'plumbline quarantine lists them.' });
    if (verdicts.length > 1) throw new Fault('config', 'Use either --replay or --discard.');
    if (id === undefined) {
      const { data } = await client.get<{ data: readonly Entry[] }>('/api/v1/quarantine', {
        limit: String(LISTED_MAX),
      });
      const rows = data.map((entry) => [entry.id, entry.at.slice(0, 19).replace('T', ' '), entry.kind, entry.reason]);
      if (flags['json'] === true) output.json({ data });
      else
        output.print(
          rows.length === 0 ? 'Nothing is quarantined.' : table([['id', 'at (UTC)', 'kind', 'why'], ...rows]),
        );
      if (data.length === LISTED_MAX) output.note(`The ${LISTED_MAX} newest are listed; there may be more.`);
      return data.length === 0 ? 0 : 1;
    }
    const path = `/api/v1/quarantine/${encodeURIComponent(id)}`;
    if (flags['replay'] === true) await client.post(`${path}/replay`);
    if (flags['discard'] === true) await client.post(`${path}/discard`);
    const entry = await client.get<Entry>(path);
    if (flags['json'] === true) output.json(entry);
    else output.print(`${entry.id}  ${entry.kind}  ${entry.status}\n${entry.reason}\n${entry.payload ?? ''}`);
    return entry.status === 'waiting' ? 1 : 0;
  },
};
