/** What the daemon counts of its looks and messages: an operator's alert on Plumbline itself hangs on these. */

import type { Delivery } from '../contract/store.ts';
import type { IncidentDesk } from '../incidents/incident-desk.ts';
import { counter, gauge } from '../lib/instruments.ts';
import type { PollEvent } from '../polling/poll-event.ts';

const polls = counter({
  name: 'plumbline.polls',
  description: 'Polls by source and how they ended: polled, skipped, not_recorded, or a bug of the plugin.',
});
const answers = counter({
  name: 'plumbline.polled_targets',
  description: 'Answers about targets by source: held, unchanged, missing or unreachable.',
});
const deliveries = counter({
  name: 'plumbline.deliveries',
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
