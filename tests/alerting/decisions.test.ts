import { describe, expect, it } from 'vitest';
import { buildAlert } from '../../src/alerting/alert.ts';
import { turnOf, waitingFor } from '../../src/alerting/dedup.ts';
import { isAnnounced, muteReason } from '../../src/alerting/mute.ts';
import { Pace } from '../../src/alerting/pace.ts';
import { attemptFailed, delivered, newDelivery, suppressed } from '../../src/alerting/record.ts';
import { isOrphaned, isStranded } from '../../src/alerting/retry.ts';
import { addMillis } from '../../src/lib/time.ts';
import { type AlertRoute, routeIncident } from '../../src/alerting/route.ts';
import type { Incident, IncidentTransition } from '../../src/contract/incident.ts';
import { openIncident } from '../support/judgements.ts';
import { time } from '../support/prompts.ts';

const INCIDENT = openIncident();
const NOW = time('03:00:00');
const CHANNELS = ['oncall', 'mail', 'audit'];

describe('route', () => {
  const to = (match: AlertRoute['match'], channels: readonly string[] = ['oncall']): AlertRoute => ({
    match,
    channels,
  });

  it.each([
    ['no routes: everybody', [], CHANNELS],
    ['an empty match: everything', [to({})], ['oncall']],
    ['a name', [to({ environment: ['production'] })], ['oncall']],
    ['another name', [to({ environment: ['staging'] })], []],
    ['one of several', [to({ environment: ['staging', 'production'] })], ['oncall']],
    ['a pattern', [to({ prompt: ['support.*'], owner: ['*platform'] })], ['oncall']],
    ['a pattern with two stars', [to({ prompt: ['*port*int*'] })], ['oncall']],
    ['a pattern that can not fit twice', [to({ prompt: ['support.intent*intent'] })], []],
    ['all keys must agree', [to({ environment: ['production'], owner: ['nobody'] })], []],
    ['this bad or worse', [to({ severity: 'warning' })], ['oncall']],
    ['a verdict', [to({ verdict: ['missing', 'edited'] })], ['oncall']],
    ['several routes, each channel once', [to({}, ['mail', 'oncall']), to({}, ['oncall'])], ['oncall', 'mail']],
    ['a channel that is gone', [to({}, ['pager'])], []],
  ] as const)('%s', (_what, routes, wanted) => {
    expect(routeIncident(INCIDENT, routes, CHANNELS)).toEqual(wanted);
  });

  it('does not wake anybody for what is not bad enough', () => {
    expect(routeIncident({ ...INCIDENT, severity: 'info' }, [to({ severity: 'warning' })], CHANNELS)).toEqual([]);
  });
});

describe('mute', () => {
  const quiet = (changes: Partial<Incident>, transition: IncidentTransition = 'escalated') =>
    muteReason({ ...INCIDENT, ...changes }, transition, NOW);

  it('keeps quiet what a person asked to, and always tells the end', () => {
    expect(quiet({})).toBeNull();
    expect(quiet({ status: 'acknowledged', acknowledgedBy: 'ada' })).toBe('acknowledged by ada');
    expect(quiet({ status: 'snoozed', snoozedUntil: time('04:00:00') }, 'reopened')).toBe(
      'snoozed until 2026-11-20T04:00:00.000000000Z',
    );
    expect(quiet({ status: 'snoozed', snoozedUntil: time('02:59:59') }, 'reopened')).toBeNull();
    expect(quiet({ status: 'resolved', snoozedUntil: time('04:00:00') }, 'resolved')).toBeNull();
    expect(
      (['opened', 'reopened', 'escalated', 'resolved', 'acknowledged', 'snoozed'] as const).filter(isAnnounced),
    ).toHaveLength(4);
  });
});

describe('dedup', () => {
  const row = (transition: IncidentTransition, revision: number) =>
    newDelivery({ ...INCIDENT, revision }, transition, 'oncall', null, NOW);
  const opened = row('opened', 1);
  const resolved = row('resolved', 2);
  const stored = { ...INCIDENT, revision: 2 };

  it('gives one alert one identity', () => {
    expect(row('opened', 1).id).toBe(opened.id);
    expect(
      new Set([opened.id, row('opened', 3).id, resolved.id, newDelivery(INCIDENT, 'opened', 'mail', null, NOW).id])
        .size,
    ).toBe(4);
  });

  it('sends what is pending, nothing twice, and nothing before its incident', () => {
    expect(turnOf(opened, [opened], stored).turn).toBe('now');
    expect(turnOf(delivered(opened, 'ok', NOW), [], stored)).toMatchObject({
      turn: 'never',
      reason: 'already delivered',
    });
    expect(turnOf(opened, [opened], null).turn).toBe('later');
    expect(turnOf(resolved, [delivered(opened, 'ok', NOW), resolved], INCIDENT).turn).toBe('later');
  });

  it('keeps the order of one story in one channel', () => {
    const failedOnce = attemptFailed(opened, '500', false, NOW);
    expect(turnOf(resolved, [failedOnce, resolved], stored).turn).toBe('later');
    expect(waitingFor(failedOnce, [failedOnce, resolved])).toEqual([resolved]);
    expect(turnOf(resolved, [delivered(opened, 'ok', NOW), resolved], stored).turn).toBe('now');
    const elsewhere = newDelivery(INCIDENT, 'opened', 'mail', null, NOW);
    expect(waitingFor(elsewhere, [elsewhere, resolved])).toEqual([]);
  });

  it('tells the end once of what came back and went again while it was quiet', () => {
    const again = row('resolved', 4);
    const before = [delivered(opened, 'ok', NOW), suppressed(row('reopened', 3), 'snoozed', NOW), again];
    const end = delivered(resolved, 'ok', NOW);
    expect(turnOf(again, [...before, end], { ...INCIDENT, revision: 4 }).turn).toBe('suppressed');
    const givenUp = attemptFailed(resolved, '404', true, NOW);
    expect(turnOf(again, [...before, givenUp], { ...INCIDENT, revision: 4 }).turn).toBe('now');
  });

  it('does not tell the end of a story that was never told', () => {
    for (const before of [suppressed(opened, 'snoozed', NOW), attemptFailed(opened, '404', true, NOW)]) {
      expect(turnOf(resolved, [before, resolved], stored).turn).toBe('suppressed');
    }
  });
});

describe('retry', () => {
  it('leaves a row alone while its job may still be waiting', () => {
    const row = newDelivery(INCIDENT, 'opened', 'oncall', null, NOW);
    expect(isStranded(row, time('03:09:59'))).toBe(false);
    expect(isStranded(row, time('03:10:01'))).toBe(true);
    // Written by a clock that was ahead.
    expect(isStranded({ ...row, updatedAt: addMillis(NOW, 86_400_000) }, NOW)).toBe(true);
    const tried = { ...row, attempts: 10 };
    expect(isStranded(tried, time('03:26:00'))).toBe(false);
    expect(isStranded(tried, time('03:28:00'))).toBe(true);
    expect([isOrphaned(row, time('03:59:00')), isOrphaned(row, time('04:01:00'))]).toEqual([false, true]);
  });
});

describe('pace', () => {
  it('gives alerts that fit into one message one turn, and the others the next', () => {
    const turns = (messageMax: number) => {
      const pace = new Pace(messageMax);
      pace.refused(0, 5_000);
      return ['a', 'b', 'c', 'd', 'e'].map((alert) => pace.waitMs(alert, false, 0));
    };
    expect(turns(1)).toEqual([5_000, 6_200, 7_400, 8_600, 9_800]);
    expect(turns(2)).toEqual([5_000, 5_000, 6_200, 6_200, 7_400]);
  });
});

describe('alert', () => {
  const options = { command: 'plumbline', publicUrl: 'https://p.test/', canRestore: () => true };
  const row = newDelivery(INCIDENT, 'opened', 'oncall', null, NOW);
  const SEEN = INCIDENT.observed.hash?.slice(0, 19);

  it('offers to put a version back only where that is possible and wanted', () => {
    const alert = buildAlert(row, INCIDENT, NOW, options);
    expect(alert.restoreCommand).toBe(`plumbline restore checkout-config/support.intent --expect ${SEEN}`);
    const missing = { ...INCIDENT, verdict: 'missing', observed: { version: null, hash: null, text: null } } as const;
    expect(buildAlert(row, missing, NOW, options).restoreCommand).toMatch(/ --expect missing$/);
    const ofPart = buildAlert(row, { ...INCIDENT, part: 'beta users' }, NOW, options).restoreCommand;
    expect(ofPart).toBe(`plumbline restore checkout-config/support.intent --part 'beta users' --expect ${SEEN}`);
    const named = (target: string) => buildAlert(row, { ...INCIDENT, target }, NOW, options).restoreCommand;
    expect(named('lf/My Prompt')).toBe(`plumbline restore 'lf/My Prompt' --expect ${SEEN}`);
    expect(named("lf/it's; reboot $(reboot)")).toBe(
      `plumbline restore 'lf/it'\\''s; reboot $(reboot)' --expect ${SEEN}`,
    );
    expect(alert.url).toBe(`https://p.test/incidents/${INCIDENT.id}`);
    expect(buildAlert(row, INCIDENT, NOW, { ...options, canRestore: () => false }).restoreCommand).toBeNull();
    expect(buildAlert(row, { ...INCIDENT, expected: null }, NOW, options).restoreCommand).toBeNull();
    expect(buildAlert(row, { ...INCIDENT, status: 'resolved' }, NOW, options).restoreCommand).toBeNull();
  });
});
