import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../src/contract/incident.ts';
import { trafficTarget } from '../../src/drift/traffic-target.ts';
import { applyByHand } from '../../src/incidents/by-hand.ts';
import { countedContents } from '../../src/incidents/contents-seen.ts';
import { type Finding, LIFECYCLE_POLICY, next, type Step, withCount } from '../../src/incidents/lifecycle.ts';
import { addMillis } from '../../src/lib/time.ts';
import { EDITED_TEXT, findingOf, GOOD_TEXT, openIncident, unreachableFinding } from '../support/judgements.ts';
import { time } from '../support/prompts.ts';

const HOUR_MS = 3_600_000;
const START = time('02:41:40');

/** Plays findings one minute apart and tells each step as `transition` or `(reason)`. */
function play(findings: readonly Finding[], from: Incident | null = null, stepMs = 60_000) {
  let incident = from;
  let now = START;
  const told = findings.map((finding) => {
    const step = next(incident, finding, now);
    if (step.kind === 'changed') incident = step.incident;
    now = addMillis(now, stepMs);
    return step.kind === 'changed' ? step.transition : `(${step.reason})`;
  });
  return { told, incident };
}

function changed(step: Step): Incident {
  if (step.kind !== 'changed') throw new Error(step.reason);
  return step.incident;
}

const good = findingOf(GOOD_TEXT);
const edited = findingOf(EDITED_TEXT);
const editedAgain = findingOf(`${EDITED_TEXT}And be brief.`);
const editedLater = findingOf(EDITED_TEXT, time('02:45:00'));
const stale = findingOf('Old.');
const gone = findingOf(null);

describe('next', () => {
  it('opens once, says nothing while nothing changes, and resolves once', () => {
    const { told, incident } = play([good, edited, edited, edited, good, good]);
    expect(told).toEqual([
      '(nothing_to_resolve)',
      'opened',
      '(same_problem)',
      '(same_problem)',
      'resolved',
      '(nothing_to_resolve)',
    ]);
    expect(incident).toMatchObject({
      status: 'resolved',
      resolution: 'in_sync_again',
      revision: 2,
      owner: 'data-platform',
    });
  });

  it('is neither opened nor resolved by what could not be seen', () => {
    expect(play([unreachableFinding()]).told).toEqual(['(unreachable_says_nothing)']);
    expect(play([edited, unreachableFinding(), edited]).told).toEqual([
      'opened',
      '(unreachable_says_nothing)',
      '(same_problem)',
    ]);
  });

  it('keeps one incident through all that happens to one place', () => {
    const { told, incident } = play([stale, edited, editedAgain, gone, edited, good]);
    expect(told).toEqual(['opened', 'escalated', 'escalated', 'escalated', 'updated', 'resolved']);
    expect(new Set([incident?.id])).toEqual(new Set([openIncident(stale).id]));
  });

  it('remembers the contents it had, and announces none of them twice', () => {
    const { told, incident } = play([edited, editedAgain, edited, editedAgain, edited]);
    expect(told).toEqual(['opened', 'escalated', 'updated', 'updated', 'updated']);
    expect(incident?.evidence.filter((evidence) => evidence.kind === 'earlier_content')).toHaveLength(1 + 1);
  });

  it('stops announcing when somebody keeps typing', () => {
    const typing = Array.from({ length: 10 }, (_, index) => findingOf(`${EDITED_TEXT}${'x'.repeat(index)}`));
    const { told } = play(typing);
    expect(told.filter((step) => step !== 'updated')).toHaveLength(LIFECYCLE_POLICY.announcedContentsMax);
    expect(told.slice(-3)).toEqual(['updated', 'updated', 'updated']);
  });

  it('reopens within a day, and opens anew after it', () => {
    const resolved = play([edited, good]).incident;
    const soon = next(resolved, edited, addMillis(START, 23 * HOUR_MS));
    expect(soon).toMatchObject({
      transition: 'reopened',
      incident: { id: resolved?.id, reopened: 1, resolvedAt: null, openedAt: START },
    });
    const later = next(resolved, edited, addMillis(START, 25 * HOUR_MS));
    expect(later).toMatchObject({ transition: 'opened', incident: { reopened: 0, revision: 1 } });
    expect(changed(later).id).not.toBe(resolved?.id);
  });

  it('holds a flapping place open until it has been calm', () => {
    const flapping = play([edited, good, edited, good, edited, good, edited, good, edited]);
    expect(flapping.told).toEqual([
      'opened',
      'resolved',
      'reopened',
      'resolved',
      'reopened',
      'updated',
      'updated',
      'updated',
      'updated',
    ]);
    const calm = findingOf(GOOD_TEXT, time('02:50:00'));
    expect(next(flapping.incident, calm, time('03:04:59'))).toMatchObject({ reason: 'flapping_held_open' });
    expect(next(flapping.incident, calm, time('03:05:00'))).toMatchObject({ transition: 'resolved' });
  });

  it('does not wait for a calm that began while the clock was ahead', () => {
    const { incident } = play([edited, good, edited, good, edited, good]);
    const ahead = { ...changed(next(incident, edited, time('02:44:00'))), calmSince: time('2026-11-21T02:00:00Z') };
    const held = changed(next(ahead, good, time('02:45:00')));
    expect(held).toMatchObject({ status: 'open', calmSince: time('02:45:00') });
    expect(next(held, good, time('03:00:00'))).toMatchObject({ transition: 'resolved' });
  });

  it('says of a flapping place that it is in sync now, since when, and who put it back', () => {
    const { incident } = play([edited, good, edited, good, edited]);
    const note = { kind: 'restore', words: 'ada put v2 back' };
    const calm = changed(next(incident, { ...good, cause: 'restored', note }, time('02:47:00')));
    expect(calm).toMatchObject({ status: 'open', calmSince: time('02:41:40') });
    expect(calm.evidence.slice(-2).map(({ kind }) => kind)).toEqual(['restore', 'calm']);
    expect(next(calm, good, time('02:48:00'))).toMatchObject({ reason: 'flapping_held_open', kind: 'unchanged' });
    const wrong = changed(next(calm, edited, time('02:49:00')));
    expect(wrong).toMatchObject({ status: 'open', calmSince: null });
    expect(wrong.evidence.map(({ kind }) => kind)).toContain('restore');
    expect(wrong.evidence.map(({ kind }) => kind)).not.toContain('calm');
  });

  it('says of a flapping place when what it holds now came, also when it was held before it was in sync', () => {
    const { incident } = play([edited, good, edited, good, edited, good]);
    expect(incident).toMatchObject({ status: 'open', calmSince: START });
    const back = changed(next(incident, editedLater, time('02:48:00')));
    expect(back).toMatchObject({
      changedBetween: [time('02:41:10'), time('02:45:00')],
      firstChangedBetween: [time('02:41:10'), START],
    });
    // Calls of the first time are counted all the same.
    expect(countedContents(back).map(({ since, until }) => [since, until])).toContainEqual([time('02:41:10'), null]);
    const again = play([good, editedLater, good, editedLater], back).incident;
    expect(again?.earlierContents).toHaveLength(back.earlierContents.length);
  });

  it('is calm since the first look that found it in sync, also where each look knows of itself only', () => {
    const { incident } = play([edited, good, edited, good, edited]);
    const lookAt = (at: string) => findingOf(GOOD_TEXT, time(at));
    const calm = changed(next(incident, lookAt('02:50:00'), time('02:50:00')));
    expect(next(calm, lookAt('03:04:30'), time('03:04:30'))).toMatchObject({ kind: 'unchanged' });
    expect(next(calm, lookAt('03:05:00'), time('03:05:00'))).toMatchObject({ transition: 'resolved' });
  });

  it('is calm since what is expected became what it holds, however long it held that', () => {
    const { incident } = play([edited, good, edited, good, edited]);
    const { observed, changedBetween } = edited.judgement;
    const verdict = {
      verdict: 'in_sync',
      severity: 'info',
      expected: { version: '3', hash: observed.hash as 'sha256:3' },
    } as const;
    const pinned = { ...edited, judgement: { ...good.judgement, ...verdict, observed, changedBetween } };
    const calm = changed(next(incident, pinned, time('04:47:00')));
    expect(calm).toMatchObject({ status: 'open', calmSince: time('04:47:00') });
    expect(next(calm, pinned, time('05:01:59'))).toMatchObject({ reason: 'flapping_held_open' });
    expect(next(calm, pinned, time('05:02:00'))).toMatchObject({ transition: 'resolved' });
  });

  it('says why it resolved', () => {
    const incident = openIncident();
    expect(next(incident, { ...good, cause: 'restored' }, START)).toMatchObject({ reason: 'restored' });
    const moved = { ...good, judgement: { ...good.judgement, expected: { version: '3', hash: 'sha256:3' as const } } };
    expect(next(incident, moved, START)).toMatchObject({ reason: 'pin_moved', transition: 'resolved' });
  });

  it('counts affected calls in few revisions', () => {
    let incident = openIncident();
    let revisions = 0;
    for (let affected = 0; affected < 10_000; affected += 1) {
      const step = withCount(incident, next(incident, edited, START), affected, START);
      if (step.kind === 'unchanged') continue;
      expect(step.transition).toBe('updated');
      incident = step.incident;
      revisions += 1;
    }
    expect(revisions).toBeLessThan(16);
    expect(incident.invocationsAffected).toBeGreaterThan(5_000);
    const over = next(incident, good, START);
    expect(changed(withCount(incident, over, 9_999, START)).invocationsAffected).toBe(9_999);
    expect(changed(withCount(incident, over, 0, START)).invocationsAffected).toBe(incident.invocationsAffected);
  });

  it('says since when it is wrong, and since when it is wrong in this way', () => {
    const first = openIncident();
    const moved = { version: '3', hash: 'sha256:3' as const };
    const pinMoved = changed(
      next(first, { ...edited, judgement: { ...edited.judgement, expected: moved } }, time('02:42:20')),
    );
    const second = changed(next(pinMoved, findingOf('Another.', time('02:43:00')), time('02:43:01')));
    expect(second).toMatchObject({
      changedBetween: [time('02:41:10'), time('02:43:00')],
      firstChangedBetween: [time('02:41:10'), time('02:41:40')],
    });
    const told = second.evidence.filter(({ kind }) => kind === 'earlier_content').map(({ words }) => words);
    expect(told).toEqual([
      `before, it was edited, changed between 2026-11-20 02:41:10 and 02:41:40 UTC (seen 30s apart): ${edited.judgement.observed.hash}`,
    ]);
    const back = changed(next(changed(next(second, good, time('02:44:00'))), editedLater, time('02:46:00')));
    expect(back).toMatchObject({ firstChangedBetween: editedLater.judgement.changedBetween, openedAt: START });
  });

  it('knows that a content which is still there came when it was first seen', () => {
    const later = { ...edited, judgement: { ...editedLater.judgement, severity: 'info' as const } };
    expect(changed(next(openIncident(), later, time('02:45:01')))).toMatchObject({
      severity: 'info',
      changedBetween: edited.judgement.changedBetween,
      earlierContents: [],
    });
  });

  it('counts what it held as long as that was wrong', () => {
    const old = openIncident(stale);
    const both = changed(next(old, edited, time('02:42:00')));
    expect(both.earlierContents).toMatchObject([{ verdict: 'stale_version', version: '1', until: null }]);
    const pin = { version: '1', hash: stale.judgement.observed.hash ?? 'sha256:' };
    const third = { ...editedAgain, judgement: { ...editedAgain.judgement, expected: pin } };
    const pinned = changed(next(both, third, time('02:43:00')));
    expect(pinned.earlierContents).toMatchObject([
      { version: '1', until: time('02:43:00') },
      { verdict: 'edited', until: null },
    ]);
    const closed = changed(next(pinned, { ...good, judgement: { ...good.judgement, expected: pin } }, START));
    expect(changed(next(closed, editedAgain, time('02:50:00'))).earlierContents.map(({ until }) => until)).toEqual([
      time('02:43:00'),
      START,
      START,
    ]);
  });
});

describe('the calls that are counted', () => {
  it('are those since it came; of a service, since the first that is known to be wrong', () => {
    const { judgement, owner } = findingOf(EDITED_TEXT);
    const since = (target: string) => {
      const unbounded = { ...judgement, target, changedBetween: [null, time('02:41:40')] as const };
      return countedContents(openIncident({ judgement: unbounded, owner })).map((counted) => counted.since);
    };
    expect(since(judgement.target)).toEqual([null]);
    expect(since(trafficTarget('checkout', judgement.prompt))).toEqual([time('02:41:40')]);
  });
});

describe('by hand', () => {
  const incident = openIncident(stale);
  const later = time('03:00:00');

  it('an acknowledged incident is quiet until it gets worse or resolves', () => {
    const acknowledged = changed(applyByHand(incident, { action: 'acknowledge', by: 'ada' }, later));
    expect(acknowledged).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'ada', revision: 2 });
    const worse = next(acknowledged, edited, later);
    expect(worse).toMatchObject({
      transition: 'escalated',
      reason: 'severity_rose',
      incident: { status: 'open', acknowledgedBy: null },
    });
    const critical = changed(applyByHand(openIncident(edited), { action: 'acknowledge', by: 'ada' }, later));
    expect(next(critical, editedAgain, later)).toMatchObject({ transition: 'updated', reason: 'somebody_is_on_it' });
    expect(next(critical, good, later)).toMatchObject({ transition: 'resolved' });
  });

  it('nobody is on it any more when a snooze is over', () => {
    const snoozed = { ...incident, status: 'snoozed', acknowledgedBy: 'ada', snoozedUntil: time('03:00:00') } as const;
    expect(changed(next(snoozed, edited, time('03:00:00')))).toMatchObject({ status: 'open', acknowledgedBy: null });
  });

  it('a snooze ends by itself, and outlives a resolution', () => {
    const snoozed = changed(applyByHand(incident, { action: 'snooze', by: 'ada', until: time('04:00:00') }, later));
    expect(next(snoozed, stale, time('03:59:00'))).toMatchObject({ kind: 'unchanged' });
    expect(next(snoozed, stale, time('04:00:01'))).toMatchObject({
      transition: 'reopened',
      reason: 'snooze_is_over',
      incident: { status: 'open', reopened: 0 },
    });
    const resolved = changed(next(snoozed, good, later));
    expect(changed(next(resolved, stale, time('03:30:00'))).status).toBe('snoozed');
    expect(changed(next(resolved, stale, time('04:30:00'))).status).toBe('open');
  });

  it('closing does not make it right: seen again, it reopens', () => {
    const closed = changed(applyByHand(incident, { action: 'resolve', by: 'ada', note: 'accepted' }, later));
    expect(closed).toMatchObject({ status: 'resolved', resolution: 'ada: accepted', resolvedAt: later });
    expect(applyByHand(closed, { action: 'acknowledge', by: 'bob' }, later)).toMatchObject({
      reason: 'resolved_before',
    });
    expect(next(closed, stale, later)).toMatchObject({ transition: 'reopened' });
  });
});

describe('properties', () => {
  const findings = fc.array(fc.constantFrom(good, edited, editedAgain, stale, gone, unreachableFinding()), {
    maxLength: 60,
  });

  it('never opens what is open, never resolves what is not, and counts revisions by one', () => {
    fc.assert(
      fc.property(findings, fc.integer({ min: 1_000, max: 8 * HOUR_MS }), (list, stepMs) => {
        let incident: Incident | null = null;
        let now = START;
        for (const finding of list) {
          const before: Incident | null = incident;
          const wasOpen = before !== null && before.status !== 'resolved';
          const step = next(before, finding, now);
          now = addMillis(now, stepMs);
          if (step.kind === 'unchanged') continue;
          const opens = step.transition === 'opened' || step.transition === 'reopened';
          expect(opens).toBe(!wasOpen);
          // What came back again and again has to be right for a while first.
          const isHeld = step.reason === 'flapping_held_open';
          expect(isHeld && (before?.reopened ?? 0) < LIFECYCLE_POLICY.flappingAfter).toBe(false);
          expect(step.transition === 'resolved').toBe(wasOpen && !isHeld && finding.judgement.verdict === 'in_sync');
          expect(step.incident.revision).toBe(step.transition === 'opened' ? 1 : (before?.revision ?? 0) + 1);
          incident = step.incident;
        }
      }),
    );
  });
});
