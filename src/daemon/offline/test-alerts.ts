/** What `plumbline doctor --send-test` sends: an incident that there is not, from its opening to its end. Pure. */

import type { Alert } from '../../contract/channel.ts';
import type { Incident } from '../../contract/incident.ts';
import type { Timestamp } from '../../contract/time.ts';
import { shortId } from '../../lib/hash.ts';

/** The first opens it, the second ends it. `command`: how a person calls us. */
export function testAlerts(channel: string, at: Timestamp, command: string): readonly [Alert, Alert] {
  const incident = incidentOfTest(channel, at);
  const shared = { at, restoreCommand: null, showCommand: `${command} doctor`, url: null };
  return [
    { ...shared, deliveryId: shortId('test', incident.id, 'opened'), transition: 'opened', incident },
    {
      ...shared,
      deliveryId: shortId('test', incident.id, 'resolved'),
      transition: 'resolved',
      incident: { ...incident, status: 'resolved', resolvedAt: at, resolution: 'doctor', revision: 2 },
    },
  ];
}

function incidentOfTest(channel: string, at: Timestamp): Incident {
  return {
    id: shortId('test', channel, at),
    fingerprint: shortId('test', channel),
    status: 'open',
    verdict: 'edited',
    severity: 'info',
    summary: `This is a test of the channel ${channel}: nothing is wrong.`,
    reason: 'test',
    prompt: 'plumbline.test',
    owner: null,
    environment: 'test',
    target: 'plumbline/test',
    part: '',
    expected: null,
    observed: { version: null, hash: null, text: null },
    diff: '',
    evidence: [{ kind: 'test', words: 'plumbline doctor --send-test was typed' }],
    openedAt: at,
    updatedAt: at,
    changedBetween: [at, at],
    changedBy: null,
    firstChangedBetween: [at, at],
    earlierContents: [],
    resolvedAt: null,
    resolution: null,
    reopened: 0,
    calmSince: null,
    acknowledgedBy: null,
    snoozedUntil: null,
    invocationsAffected: 0,
    revision: 1,
  };
}
