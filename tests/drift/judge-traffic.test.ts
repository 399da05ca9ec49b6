import { describe, expect, it } from 'vitest';
import type { Attribution, AttributionKind } from '../../src/contract/attribution.ts';
import type { SharedWords } from '../../src/attribution/index.ts';
import type { Expected } from '../../src/drift/expected.ts';
import type { HiddenEdit } from '../../src/drift/hidden-edit.ts';
import { judgeTraffic } from '../../src/drift/judge-traffic.ts';
import type { TrafficGroup } from '../../src/drift/traffic-window.ts';
import { pin, PROMPT, time, version } from '../support/prompts.ts';

const [V1, V2, V3] = [
  version('1', 'One.'),
  version('2', 'Two.', { parent: '1' }),
  version('3', 'Three.', { parent: '2' }),
];
const EXPECTED: Expected = { prompt: PROMPT, environment: 'production', pin: pin(V2), versions: [V1, V2, V3] };

function attribution(
  kind: AttributionKind,
  versions: readonly string[],
  changes: Partial<Attribution> = {},
): Attribution {
  const matches = versions.map((name) => ({
    prompt: PROMPT,
    version: name,
    model: 'model-a',
    literalBytes: 812,
    gaps: 1,
    hash: null,
    variables: [],
  }));
  const words = versions.length === 0 ? kind : `compatible with v${versions.join(', v')}, 812 literal bytes`;
  return { kind, matches, near: [], contradictsDeclaration: false, words, ...changes };
}

function group(calls: number, given: Attribution, changes: Partial<TrafficGroup> = {}): TrafficGroup {
  return {
    instance: 'pod-a',
    calls,
    firstAt: time('02:00:00'),
    lastAt: time('02:30:00'),
    attribution: given,
    declaredVersion: null,
    hash: null,
    text: null,
    ...changes,
  };
}

function verdict(groups: readonly TrafficGroup[], expected: Expected = EXPECTED) {
  const window = { service: 'checkout', from: time('01:50:00'), until: time('02:50:00'), groups };
  return judgeTraffic(expected, window);
}

const good = group(100, attribution('rendered', ['2']));
const NEAR = attribution('near', [], {
  near: [{ prompt: PROMPT, version: '2', model: 'model-a', editedBytes: 9, diff: '--- a\n+++ b\n-Two.\n+Twice.' }],
});

describe('judgeTraffic', () => {
  it.each([
    ['only the pinned version', [good], 'in_sync', 'traffic_as_expected'],
    ['an old version', [group(20, attribution('rendered', ['1']))], 'stale_version', 'traffic_stale_version'],
    ['a newer version', [group(20, attribution('exact', ['3']))], 'ahead', 'traffic_ahead'],
    ['an edited text', [good, group(20, NEAR)], 'edited', 'traffic_edited'],
    [
      'a text that nobody registered',
      [good, group(20, attribution('unknown', []))],
      'unregistered',
      'traffic_unregistered',
    ],
    [
      'a badge that lies',
      [good, group(20, attribution('exact', ['1'], { contradictsDeclaration: true }), { declaredVersion: '2' })],
      'badge_lied',
      'traffic_badge_lied',
    ],
    [
      'a tie that has the pinned version in it',
      [group(20, attribution('ambiguous', ['1', '2']))],
      'in_sync',
      'traffic_as_expected',
    ],
    ['a tie on both sides of it', [group(20, attribution('ambiguous', ['1', '3']))], 'unverifiable', 'too_few_calls'],
    ['no content', [group(90, attribution('unverifiable', []))], 'unverifiable', 'no_content_to_check'],
    ['too little text', [group(90, attribution('insufficient_evidence', []))], 'unverifiable', 'no_content_to_check'],
    ['no calls', [], 'unverifiable', 'no_content_to_check'],
  ] as const)('%s', (_what, groups, wanted, reason) => {
    expect(verdict(groups)).toMatchObject({ verdict: wanted, reason, target: `traffic:checkout/${PROMPT}` });
  });

  it('is not moved by a single odd call, a tiny share, or a moment', () => {
    const odd = attribution('exact', ['1']);
    expect(verdict([good, group(1, odd)]).verdict).toBe('in_sync');
    expect(verdict([group(4, odd)]).verdict).toBe('unverifiable');
    expect(verdict([group(5_000, attribution('rendered', ['2'])), group(20, odd)]).verdict).toBe('in_sync');
    expect(verdict([good, group(50, odd, { lastAt: time('02:00:30') })]).verdict).toBe('in_sync');
  });

  it('gives caches time after the pin moved, and no more than that', () => {
    const old = attribution('exact', ['1']);
    const moved = { ...EXPECTED, pin: pin(V2, { since: time('02:00:00') }) };
    expect(verdict([group(50, old, { lastAt: time('02:04:00') })], moved).verdict).toBe('in_sync');
    expect(verdict([group(50, old, { lastAt: time('02:09:00') })], moved).verdict).toBe('stale_version');
  });

  it('tells instances that disagree from a rolling deployment', () => {
    const old = attribution('exact', ['1']);
    const split = verdict([good, group(30, old, { instance: 'pod-b' })]);
    expect(split).toMatchObject({ verdict: 'replica_split', reason: 'instances_use_different_versions' });
    expect(split.evidence.map((evidence) => evidence.words)).toContain(
      'pod-a uses v2 (100 calls), pod-b uses v1 (30 calls)',
    );
    const rolling = group(30, old, { instance: 'pod-b', lastAt: time('02:10:00') });
    expect(verdict([good, rolling]).verdict).toBe('stale_version');
    expect(verdict([good, group(30, old, { instance: '' })]).verdict).toBe('stale_version');
    expect(verdict([good, group(30, attribution('ambiguous', ['1', '2']), { instance: 'pod-b' })]).verdict).toBe(
      'in_sync',
    );
  });

  it('counts in its evidence, and takes the diff of the near match', () => {
    const judgement = verdict([good, group(20, NEAR, { hash: V1.variants[0].hashes.strict, text: 'Twice.' })]);
    expect(judgement.summary).toBe('support.intent in production: 20 of 120 calls of checkout carry an edited text.');
    expect(judgement.diff).toContain('+Twice.');
    expect(judgement.observed.text).toBe('Twice.');
    expect(judgement.evidence.map((evidence) => evidence.words)).toContain(
      '100 calls carry what is expected (instance pod-a, 2026-11-20 02:00:00 UTC to 2026-11-20 02:30:00 UTC)',
    );
  });
});

describe('since when', () => {
  const old = attribution('rendered', ['1']);
  const pinned = attribution('rendered', ['2']);
  const between = (groups: readonly TrafficGroup[], expected?: Expected) => {
    const { changedBetween, changedBy } = verdict(groups, expected);
    return [...changedBetween, changedBy];
  };
  const from = (at: string) => ({ firstAt: time(at) });

  it('is before the first call, when nothing shows that there were none earlier', () => {
    expect(between([group(40, old, from('02:05:00'))])).toEqual([null, time('02:05:00'), null]);
    const beside = group(40, pinned, from('02:01:00'));
    expect(between([group(40, old, from('02:05:00')), beside])).toEqual([null, time('02:05:00'), null]);
  });

  it('is after other calls, when there was time enough for it', () => {
    const before = group(40, pinned, { firstAt: time('01:50:00'), lastAt: time('02:14:30') });
    expect(between([group(40, old, from('02:15:00')), before])).toEqual([time('02:14:30'), time('02:15:00'), null]);
    const beside = group(40, pinned, { firstAt: time('01:55:00'), lastAt: time('02:30:00') });
    expect(between([group(40, old, from('02:15:00')), beside])).toEqual([time('01:55:00'), time('02:15:00'), null]);
  });

  it('is when the pin moved, if the calls were there before', () => {
    const moved = { ...EXPECTED, pin: pin(V2, { since: time('02:10:00'), by: 'ann' }) };
    expect(between([group(40, old)], moved)).toEqual([time('02:10:00'), time('02:10:00'), 'ann']);
    expect(verdict([group(40, old)], moved).evidence).toContainEqual({
      kind: 'pin',
      words: 'the calls did not change: lockfile moved to v2 at 2026-11-20 02:10:00 UTC by ann',
    });
  });
});

it.each([
  ['what the template says under a condition', 'There is a sale on until Sunday.\n', 'in_sync'],
  ['several of its texts', 'There is a sale on until Sunday.\nAnswer in German.\n', 'in_sync'],
  ['the beginning of one', 'There is a sale on', 'in_sync'],
  ['words of somebody else beside one', 'There is a sale on until Sunday.\nSell more. ', 'edited'],
  ['words of somebody else', 'Sell more. ', 'edited'],
  ['text that the template says to everybody', 'You answer for Acme.\n', 'edited'],
])('words before a gap that are %s: %s', (_what, words, wanted) => {
  const source =
    'You answer for Acme.\n{% if sale %}There is a sale on until Sunday.\n{% endif %}' +
    '{% for language in languages %}{% if language == "de" %}Answer in German.\n{% endif %}{% endfor %}Question: {{ question }}';
  const template = version('2', source);
  const hiddenEdit = (shared: SharedWords): HiddenEdit => ({
    version: '2',
    name: 'either + languages',
    occurrence: 0,
    shared,
    seenAt: [time('02:30:00'), time('02:10:00')],
    distinct: 20,
    before: 20,
    lastWithout: time('02:09:00'),
  });
  const expected = { ...EXPECTED, versions: [template], pin: pin(template) };
  const window = { service: 'checkout', from: time('01:50:00'), until: time('02:50:00'), groups: [good] };
  const judged = judgeTraffic(expected, { ...window, hiddenEdits: [hiddenEdit({ where: 'start', words })] });
  expect(judged.verdict).toBe(wanted);
  // Of texts that are not kept nobody can say which words they share.
  const unkept = { where: 'start', words: null, byte: 7 } as const;
  expect(judgeTraffic(expected, { ...window, hiddenEdits: [hiddenEdit(unkept)] }).verdict).toBe('in_sync');
});
