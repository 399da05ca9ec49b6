/** What the daemon counts of its looks and messages: an operator's alert on Plumbline itself hangs on these. */

import { DELIVERY_STATUSES, type Delivery } from '../contract/store.ts';
import type { Clock } from '../contract/time.ts';
import type { IncidentDesk } from '../incidents/incident-desk.ts';
import { counter, gauge, showAtZero } from '../lib/instruments.ts';
import type { PollEvent } from '../polling/poll-event.ts';
import type { TableSize } from '../store/table-sizes.ts';

const polls = counter({
  name: 'plumbline.polls',
  description: 'Polls by source and how they ended: polled, skipped, not_recorded, or a bug of the plugin.',
});
const answers = counter({
  name: 'plumbline.polled_targets',
  description: 'Answers about targets by source: held, unchanged, missing or unreachable.',
});
const DELIVERIES = 'plumbline.deliveries';
const deliveries = counter({
  name: DELIVERIES,
  description: 'Attempts to deliver an alert by channel and what became of the message.',
});

export function countPollEvent(event: PollEvent): void {
  const { source } = event;
  polls(1, { source, outcome: event.kind });
  if (event.kind !== 'polled') return;
  for (const answer of ['held', 'unchanged', 'missing', 'unreachable'] as const) {
    answers(event[answer], { source, answer });
  }
}

export function countDelivery(channel: string, outcome: Delivery['status']): void {
  deliveries(1, { channel, outcome });
}

/** An operator is told of the first alert that does not get out. */
export function expectDeliveries(channels: readonly string[]): void {
  for (const channel of channels) for (const outcome of DELIVERY_STATUSES) showAtZero(DELIVERIES, { channel, outcome });
}

/** `problems`: what `/readyz` tells. */
export function observeProblems(problems: () => readonly string[]): void {
  const description = 'How many things are wrong with the daemon now; `problems` of /readyz says which.';
  gauge({ name: 'plumbline.problems', description }, () => problems().length);
}

export function observeIncidents(desk: IncidentDesk): void {
  const description = 'Incidents that are not resolved, by severity and status.';
  gauge({ name: 'plumbline.unresolved_incidents', description }, async () => {
    const counts = await desk.unresolvedCounts();
    return counts.map(({ severity, status, incidents }) => ({ value: incidents, labels: { severity, status } }));
  });
}

const SIZES_READ_AFTER_MS = 10_000;

/** As they were read last: a store that does not answer holds up nobody who looks. Asked for once in ten seconds at most. */
export function observeStoreSize(read: () => Promise<readonly TableSize[]>, clock: Clock): void {
  let sizes: readonly TableSize[] = [];
  let askedMs = -Infinity;
  const readAgain = async (): Promise<void> => {
    if (clock.monotonicMs() - askedMs < SIZES_READ_AFTER_MS) return;
    askedMs = clock.monotonicMs();
    try {
      sizes = await read();
    } catch {
      // What is shown grows old; that the store fails is told elsewhere.
    }
  };
  void readAgain();
  const description = 'Bytes on the disk of each table of the store, on one replica.';
  gauge({ name: 'plumbline.store_bytes', description, unit: 'By' }, () => {
    void readAgain();
    return Promise.resolve(sizes.map(({ table, bytes }) => ({ value: bytes, labels: { table } })));
  });
}
