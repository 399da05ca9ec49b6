/** Counts the polls' events, and says which go to the log: changes and mistakes, not every quiet look. */

import { describeError } from '../../contract/fault.ts';
import type { TroubleLog } from '../../lib/trouble-log.ts';
import type { Log } from '../../observability/log.ts';
import type { PollEvent } from '../../polling/poll-event.ts';
import { countPollEvent } from '../counts.ts';

/** While nothing that sources hold can be recorded. */
export const NOT_RECORDED = 'observations';

export function notePollEvent(log: Pick<Log, 'debug'>, troubles: TroubleLog, event: PollEvent): void {
  countPollEvent(event);
  const { source } = event;
  const fields = { source };
  switch (event.kind) {
    case 'polled': {
      const { unreachable, reason, heardOfAll, recorded } = event;
      log.debug({ ...event }, 'polled');
      if (unreachable > 0)
        troubles.failed(`poll ${source}`, {
          level: 'warn',
          message: 'some targets gave no trustworthy answer',
          reason: reason ?? '',
          fields: { ...fields, unreachable },
        });
      else if (heardOfAll) troubles.over(`poll ${source}`, 'all targets answer again', fields);
      if (recorded) troubles.over(NOT_RECORDED, 'observations are recorded again', {}, source);
      return;
    }
    case 'skipped':
      log.debug({ source, why: event.why }, 'a poll was skipped');
      return;
    case 'bug':
      troubles.failed(`bug ${source}`, {
        level: 'error',
        message: 'a bug in a source plugin',
        reason: describeError(event.error),
        fields: { ...fields, type: event.type },
      });
      return;
    case 'watch_failed':
      troubles.failed(`watch ${source}`, {
        level: 'warn',
        message: 'changes are not watched; polling goes on',
        reason: describeError(event.error),
        fields,
      });
      return;
    case 'watch_holds':
      troubles.over(`watch ${source}`, 'changes are watched again', fields);
      return;
    case 'not_recorded':
      troubles.failed(NOT_RECORDED, {
        level: 'error',
        message: 'observations could not be recorded; the next poll reads everything again',
        reason: describeError(event.error),
        fields,
        part: source,
      });
  }
}
