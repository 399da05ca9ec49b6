/** Counts the polls' events, and says which go to the log: changes and mistakes, not every quiet look. */

import { describeError } from '../contract/fault.ts';
import type { Log } from '../observability/log.ts';
import type { PollEvent } from '../polling/poll-event.ts';
import { countPollEvent } from './counts.ts';

export function notePollEvent(log: Log, event: PollEvent): void {
  countPollEvent(event);
  logPollEvent(log, event);
}

function logPollEvent(log: Log, event: PollEvent): void {
  switch (event.kind) {
    case 'polled':
      if (event.unreachable > 0)
        log.warn(
          { source: event.source, unreachable: event.unreachable, reason: event.reason },
          'some targets gave no trustworthy answer',
        );
      else log.debug({ ...event }, 'polled');
      return;
    case 'skipped':
      log.debug({ source: event.source, why: event.why }, 'a poll was skipped');
      return;
    case 'bug':
      log.error(
        { source: event.source, type: event.type, error: describeError(event.error) },
        'a bug in a source plugin',
      );
      return;
    case 'watch_failed':
      log.warn({ source: event.source, error: describeError(event.error) }, 'changes are not watched; polling goes on');
      return;
    case 'not_recorded':
      log.error(
        { source: event.source, error: describeError(event.error) },
        'observations could not be recorded; the next poll reads everything again',
      );
  }
}
