/** `plumbline reprice`: a corrected price restates history. */

import { Fault } from '../../contract/fault.ts';
import { daemonOf } from '../context.ts';
import { textFlag, type Verb } from '../verb.ts';

export const reprice: Verb = {
  usage: 'reprice',
  summary: 'Price stored calls of a period anew, with the prices known today.',
  options: [
    ['--from <rfc3339>', 'start of the period'],
    ['--to <rfc3339>', 'its end (default: now)'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['reprice --from 2026-11-01T00:00:00Z'],
  run: async (_positional, flags, context) => {
    const from = textFlag(flags, 'from');
    if (from === undefined) throw new Fault('config', 'Say from when.', { hint: 'e.g. --from 2026-11-01T00:00:00Z' });
    const to = textFlag(flags, 'to') ?? new Date().toISOString();
    const result = await daemonOf(flags, context).post<{ calls: number; changed: number }>('/api/v1/reprice', {
      from,
      to,
    });
    const words = `Looked at ${result.calls} calls; ${result.changed} have another price now.`;
    context.output.print(flags['json'] === true ? JSON.stringify(result) : words);
    return 0;
  },
};
