/** What `plumbline doctor --send-test` sends: an incident that there is not, from its opening to its end. Pure. */

import type { Alert } from '../../contract/channel.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Judgement } from '../../contract/verdict.ts';
import { next, resolved, type Step } from '../../incidents/lifecycle.ts';
import { shortId } from '../../lib/hash.ts';

/** The first opens it, the second ends it. `command`: how a person calls us. */
export function testAlerts(channel: string, at: Timestamp, command: string): readonly Alert[] {
  const opened = next(null, { judgement: judgementOfTest(channel, at), owner: null }, at);
  const steps = opened.kind === 'changed' ? [opened, resolved(opened.incident, 'doctor', at)] : [];
  return steps.flatMap((step) => alertOf(step, channel, at, command));
}

function alertOf(step: Step, channel: string, at: Timestamp, command: string): readonly Alert[] {
  if (step.kind !== 'changed' || step.transition === 'updated') return [];
  const { incident, transition } = step;
  const deliveryId = shortId('test', channel, at, transition);
  return [{ deliveryId, transition, incident, at, restoreCommand: null, showCommand: `${command} doctor`, url: null }];
}

function judgementOfTest(channel: string, at: Timestamp): Judgement {
  return {
    verdict: 'edited',
    severity: 'info',
    reason: 'test',
    summary: `This is a test of the channel ${channel}: nothing is wrong.`,
    prompt: 'plumbline.test',
    environment: 'test',
    target: 'plumbline/test',
    part: '',
    expected: null,
    observed: { version: null, hash: null, text: null },
    diff: '',
    changedBetween: [at, at],
    changedBy: null,
    evidence: [{ kind: 'test', words: 'somebody typed `plumbline doctor --send-test`' }],
  };
}
