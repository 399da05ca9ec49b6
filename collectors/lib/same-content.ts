/** Refuses to write over something that is not what the operator saw. */

import { Fault } from '../../src/contract/fault.ts';
import type { LiveContent, RestoreRequest } from '../../src/contract/source.ts';
import { canonicalBody } from '../../src/text/body.ts';

/** `now`: null when the target is missing. Throws a `Fault` of kind `permanent` when it is not what was expected. */
export function refuseIfChanged(target: string, now: LiveContent | null, expect: RestoreRequest['expect']): void {
  const same =
    now === null || expect === null ? now === expect : canonicalBody(now.body) === canonicalBody(expect.body);
  if (!same) throw changedMeanwhile(target);
}

/** The answer to a compare-and-set that lost. */
export function changedMeanwhile(target: string): Fault {
  return new Fault('permanent', `${target} was changed meanwhile.`, {
    hint: 'Nothing was written. Look at it again, then restore.',
  });
}
