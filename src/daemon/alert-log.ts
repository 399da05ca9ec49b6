/** Counts what became of alerts, and says in the log when a channel does not take them, and when it does again. */

import type { Delivery } from '../contract/store.ts';
import type { TroubleLog } from '../lib/trouble-log.ts';
import type { Log } from '../observability/log.ts';
import { countDelivery } from './counts.ts';

export function noteOutcome(
  log: Pick<Log, 'debug'>,
  troubles: TroubleLog,
  channel: string,
  outcome: Delivery['status'],
): void {
  countDelivery(channel, outcome);
  log.debug({ channel, outcome }, 'delivery');
  if (outcome === 'delivered') troubles.over(keyOf(channel), 'alerts get out again', { channel });
}

export function notePutOff(troubles: TroubleLog, channel: string, incident: string, reason: string): void {
  const message = 'an alert did not get out; it is tried again';
  troubles.failed(keyOf(channel), { level: 'warn', message, reason, fields: { channel, incident } });
}

function keyOf(channel: string): string {
  return `alerts ${channel}`;
}
