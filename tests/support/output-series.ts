/** Series of outputs: an ordinary one, and such as SQL, JSON or a key could stumble over. */

import type { OutputSeries } from '../../src/contract/output-log.ts';

export function series(more: Partial<OutputSeries> = {}): OutputSeries {
  return { environment: 'production', prompt: 'greeting', version: '1', model: 'gpt-5', ...more };
}

export const ODD = [
  series({ prompt: `it's "odd" \\ {x:String} ` }),
  series({ environment: '' }),
  series({ version: '2', model: 'モデル 🙂' }),
  series({ model: '' }),
];
