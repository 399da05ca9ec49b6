/** `plumbline reprice`: a corrected price restates history. */

import { Fault } from '../../contract/fault.ts';
import { daemonOf } from '../context.ts';
import { timeFlag, type Verb } from '../verb.ts';

interface Answer {
  readonly calls: number;
  readonly changed: number;
  readonly next: string | null;
  /** What calls of before cost stays as it was. Null: those of the whole period are kept. */
  readonly calls_kept_since: string | null;
}

export const reprice: Verb = {
  usage: 'reprice',
  summary: 'Price stored calls of a period anew, with the prices that the daemon started with.',
  options: [
    ['--from <rfc3339>', 'start of the period'],
    ['--to <rfc3339>', 'its end (default: now)'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['reprice --from 2026-11-01T00:00:00Z'],
  run: async (_positional, flags, context) => {
    const from = timeFlag(flags, 'from');
    if (from === undefined) throw new Fault('config', 'Say from when.', { hint: 'e.g. --from 2026-11-01T00:00:00Z' });
    const to = timeFlag(flags, 'to') ?? new Date().toISOString();
    const daemon = await daemonOf(flags, context);
    const { output } = context;
    let [calls, changed] = [0, 0];
    let keptSince: string | null = null;
    for (let next: string | null = from; next !== null;) {
      const some: Answer = await daemon.post<Answer>('/api/v1/reprice', { from: next, to });
      calls += some.calls;
      changed += some.changed;
      keptSince ??= some.calls_kept_since;
      next = some.next;
      if (next !== null) output.note(`Up to ${next}: looked at ${calls} calls, ${changed} changed.`);
    }
    if (flags['json'] === true) output.json({ calls, changed, calls_kept_since: keptSince });
    else output.print(`Looked at ${calls} calls; ${changed} have another price now.`);
    if (keptSince !== null) output.note(`Calls are kept since ${keptSince}: what those before cost stays as it was.`);
    if (changed === 0)
      output.note('The daemon knows the prices that it started with: restart it after a change of them.');
    return 0;
  },
};
