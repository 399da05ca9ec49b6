/** Which prompts services use, as the stored calls of the last day tell it: at a start nothing of it is in memory. */

import { describeError } from '../../contract/fault.ts';
import type { InvocationLog } from '../../contract/invocation-log.ts';
import type { Clock } from '../../contract/time.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import type { AttributionDesk } from './attribution-desk.ts';

/** Never rejects: without it more calls fit several prompts equally well for a while. */
export async function learnServices(
  attribution: AttributionDesk,
  calls: Pick<InvocationLog, 'usage'>,
  clock: Clock,
  log: Log,
): Promise<void> {
  const to = clock.now();
  try {
    const groupBy = ['environment', 'service', 'prompt'] as const;
    for (const row of await calls.usage({ groupBy, from: addMillis(to, -DAY_MS), to })) {
      const { environment, service, prompt, calls: count } = row;
      if (typeof prompt === 'string') attribution.learnService(String(environment), String(service), prompt, count);
    }
  } catch (error) {
    log.warn({ error: describeError(error) }, 'what services used before the start is not known');
  }
}
