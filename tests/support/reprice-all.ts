/** Prices a period anew to its end, however many answers that takes. */

import type { InvocationLog, PriceCall } from '../../src/contract/invocation-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';

export async function repriceAll(
  invocations: InvocationLog,
  from: Timestamp,
  to: Timestamp,
  priceOf: PriceCall,
): Promise<{ readonly calls: number; readonly changed: number }> {
  let [calls, changed] = [0, 0];
  for (let next: Timestamp | null = from; next !== null;) {
    const some = await invocations.reprice(next, to, priceOf);
    calls += some.calls;
    changed += some.changed;
    next = some.next;
  }
  return { calls, changed };
}
