/** The order of every restore: look, refuse if it is not what the operator saw, write, look again. */

import { Fault } from '../../src/contract/fault.ts';
import type { LiveContent, Reading, RestoreRequest } from '../../src/contract/source.ts';
import { refuseIfChanged } from './same-content.ts';

export async function rewrite(
  target: string,
  request: RestoreRequest,
  read: () => Promise<Reading>,
  write: (now: LiveContent | null) => Promise<unknown>,
): Promise<Reading> {
  const now = contentNow(target, await read(), request);
  refuseIfChanged(target, now, request.expect);
  await write(now);
  return read();
}

function contentNow(target: string, reading: Reading, request: RestoreRequest): LiveContent | null {
  if (reading.outcome === 'missing') return null;
  if (reading.outcome !== 'held') {
    const reason = 'reason' in reading ? reading.reason : 'It gave no content.';
    throw new Fault('transient', `${target} can't be read now: ${reason}`, { hint: 'Nothing was written.' });
  }
  const { contents } = reading;
  const part = request.expect?.part;
  return contents.find((content) => content.part === part) ?? (contents.length === 1 ? contents[0] : null);
}
