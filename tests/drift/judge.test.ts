import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attribution } from '../../src/contract/attribution.ts';
import type { Observation } from '../../src/contract/observation.ts';
import { DRIFT_VERDICTS, type Judgement } from '../../src/contract/verdict.ts';
import type { Expected, Observed } from '../../src/drift/expected.ts';
import { judge, needsAttribution } from '../../src/drift/judge.ts';
import { chatBody } from '../../src/text/body.ts';
import { held, missing, pin, PROMPT, TARGET, time, unreachable, variant, version } from '../support/prompts.ts';

const TEXT_1 = 'You classify support messages. Answer with one label: billing, shipping or other.\n';
const TEXT_2 = 'You classify support messages. Answer with one label: billing, shipping, returns or other.\n';
const TEXT_3 =
  'You classify support messages. Answer with one label, in lower case: billing, shipping, returns or other.\n';
const STRANGER = 'Ahoy! Bring me that horizon, drink up me hearties, and never look back again.\n';
const [V1, V2, V3] = [
  version('1', TEXT_1),
  version('2', TEXT_2, { parent: '1' }),
  version('3', TEXT_3, { parent: '2' }),
];

const EXPECTED: Expected = { prompt: PROMPT, environment: 'production', pin: pin(V2), versions: [V1, V2, V3] };

function look(observation: Observation, changes: Partial<Observed> = {}): Observed {
  return { observation, siblings: [], previous: null, changed: [null, null], attribution: null, ...changes };
}

function verdictOf(expected: Expected, observation: Observation, changes: Partial<Observed> = {}): Judgement {
  return judge(expected, look(observation, changes));
}

function attribution(changes: Partial<Attribution>): Attribution {
  return { kind: 'unknown', matches: [], near: [], contradictsDeclaration: false, words: '', ...changes };
}

describe('what is held against what is pinned', () => {
  it.each([
    ['the pinned text', EXPECTED, held(TEXT_2), 'in_sync', 'identical'],
    ['it with CRLF and no last line feed', EXPECTED, held(TEXT_2.trim()), 'in_sync', 'same_re_encoded'],
    [
      'a line that was added',
      EXPECTED,
      held(TEXT_2.replace('.\n', '.\nMore.')),
      'edited',
      'resembles_registered_version',
    ],
    ['an older version', EXPECTED, held(TEXT_1), 'stale_version', 'hash_equals_older_version'],
    ['a newer version', EXPECTED, held(TEXT_3), 'ahead', 'hash_equals_newer_version'],
    ['an edit', EXPECTED, held(TEXT_2.replace('returns', 'refunds')), 'edited', 'resembles_registered_version'],
    ['something else', EXPECTED, held(STRANGER), 'unregistered', 'like_no_registered_version'],
    ['nothing', EXPECTED, missing(), 'missing', 'place_says_gone'],
    ['no answer', EXPECTED, unreachable(), 'unreachable', 'no_answer'],
    ['the end of a part', EXPECTED, missing({ part: 'canary', partEnded: true }), 'in_sync', 'part_ended'],
    ['a variation that serves nobody', EXPECTED, held(STRANGER, { share: 0, part: 'b' }), 'in_sync', 'gets_no_traffic'],
    [
      'any version where nothing is pinned',
      { ...EXPECTED, pin: null },
      held(TEXT_1),
      'in_sync',
      'registered_and_nothing_pinned',
    ],
    [
      'an edit where nothing is pinned',
      { ...EXPECTED, pin: null },
      held(`${TEXT_3} Hurry.`),
      'edited',
      'resembles_registered_version',
    ],
    [
      'a prompt that nobody registered',
      { ...EXPECTED, pin: null, versions: [] },
      held(TEXT_1),
      'unregistered',
      'prompt_not_registered',
    ],
    [
      'the hash of a pin whose version is gone',
      { ...EXPECTED, versions: [V1] },
      held(TEXT_2),
      'in_sync',
      'pinned_hash_held',
    ],
    [
      'another version when the pin is unknown',
      { ...EXPECTED, versions: [V1] },
      held(TEXT_1),
      'stale_version',
      'hash_equals_other_version',
    ],
    [
      "what can't be compared",
      { ...EXPECTED, versions: [V1] },
      held(TEXT_2.trim()),
      'unverifiable',
      'pinned_version_not_registered',
    ],
  ] as const)('%s', (_what, expected, observation, verdict, reason) => {
    const judgement = verdictOf(expected, observation);
    expect([judgement.verdict, judgement.reason]).toEqual([verdict, reason]);
    expect(judgement.evidence.length).toBeGreaterThan(0);
    expect(judgement).toMatchObject({ prompt: PROMPT, environment: 'production', target: TARGET });
  });

  it('ends the reason of a place that gave no answer once', () => {
    const summaries = ['answered 503', 'It answered 503. Try later.', 'It is gone. Is it mounted?'].map(
      (reason) => verdictOf(EXPECTED, unreachable({ reason })).summary,
    );
    expect(summaries).toEqual([
      `${TARGET} can't be checked: answered 503.`,
      `${TARGET} can't be checked: It answered 503. Try later.`,
      `${TARGET} can't be checked: It is gone. Is it mounted?`,
    ]);
  });

  it('says exactly what was edited, with both sides and both times', () => {
    const edited = held(TEXT_2.replace('returns', 'refunds'), {
      editedBy: 'mallory@example.com',
      url: 'https://x.test/p',
    });
    const judgement = verdictOf(EXPECTED, edited, { changed: [time('02:41:10'), time('02:41:40')] });
    expect(judgement.summary).toBe('support.intent in production was edited: its text differs from v2.');
    expect(judgement.expected).toEqual({ version: '2', hash: V2.variants[0].hashes.strict });
    expect(judgement.observed).toEqual({
      version: null,
      hash: edited.hashes.strict,
      text: TEXT_2.replace('returns', 'refunds'),
    });
    expect(judgement.diff).toContain('--- support.intent v2\n+++ checkout-config/support.intent\n');
    expect(judgement.diff).toContain(
      '+You classify support messages. Answer with one label: billing, shipping, refunds or other.',
    );
    expect(judgement.changedBetween).toEqual([time('02:41:10'), time('02:41:40')]);
    expect(judgement.changedBy).toBe('mallory@example.com');
    expect(judgement.severity).toBe('critical');
    expect(judgement.evidence.map((evidence) => evidence.kind)).toEqual([
      'resemblance',
      'hash',
      'pin',
      'source_time',
      'poll',
    ]);
  });

  it('calls white space drift what it is, and shows it', () => {
    const spaced = version('2', 'One.\nTwo.\n');
    const cosmetic = verdictOf({ ...EXPECTED, pin: pin(spaced), versions: [spaced] }, held('One.  \nTwo.\n'));
    expect(cosmetic).toMatchObject({ verdict: 'in_sync', reason: 'whitespace_drift', severity: 'info' });
    expect(cosmetic.evidence[0]?.words).toBe('whitespace drift: the text of v2');
    expect(cosmetic.diff).toContain('+One.··');
  });

  it('takes a bare text and the only message of a chat for the same, and never two messages', () => {
    const text = version('2', 'Be kind.');
    const expected = { ...EXPECTED, pin: pin(text), versions: [text] };
    expect(verdictOf(expected, held(chatBody([{ role: 'system', content: 'Be kind.' }]))).reason).toBe(
      'same_re_encoded',
    );
    const two = held(
      chatBody([
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Now.' },
      ]),
    );
    expect(verdictOf(expected, two).verdict).not.toBe('in_sync');
  });

  it('is quieter where nobody is in production, and only there', () => {
    const edited = held(TEXT_2.replace('returns', 'refunds'));
    expect(verdictOf({ ...EXPECTED, environment: 'staging' }, edited).severity).toBe('warning');
    expect(verdictOf({ ...EXPECTED, environment: 'eu-west' }, edited).severity).toBe('critical');
    expect(verdictOf({ ...EXPECTED, environment: 'developer-portal' }, edited).severity).toBe('critical');
  });
});

describe('what attribution adds', () => {
  it('is asked only about a text that is no version of the prompt', () => {
    expect(needsAttribution(EXPECTED, held(TEXT_1))).toBe(false);
    expect(needsAttribution(EXPECTED, held(STRANGER))).toBe(true);
  });

  it('names the registered version that an edit started from', () => {
    const near = [{ prompt: PROMPT, version: '1', model: 'model-a', editedBytes: 7, diff: '' }];
    const judgement = verdictOf(EXPECTED, held(STRANGER), { attribution: attribution({ kind: 'near', near }) });
    expect(judgement).toMatchObject({ verdict: 'edited', reason: 'near_registered_version' });
    expect(judgement.summary).toContain('nearest to v1, and v2 is pinned');
  });

  it("recognises another prompt's text", () => {
    const match = {
      prompt: 'billing.refund',
      version: '4',
      model: 'm',
      literalBytes: 70,
      gaps: 0,
      hash: 'strict',
      variables: [],
    } as const;
    const judgement = verdictOf(EXPECTED, held(STRANGER), {
      attribution: attribution({ kind: 'exact', matches: [match] }),
    });
    expect(judgement).toMatchObject({ verdict: 'unregistered', reason: 'text_of_another_prompt' });
    expect(judgement.summary).toContain('billing.refund v4');
  });

  it('never takes a held text for in sync because it could be the template filled in', () => {
    const match = {
      prompt: PROMPT,
      version: '2',
      model: 'm',
      literalBytes: 40,
      gaps: 1,
      hash: null,
      variables: [],
    } as const;
    const judgement = verdictOf(EXPECTED, held(STRANGER), {
      attribution: attribution({ kind: 'rendered', matches: [match] }),
    });
    expect(judgement).toMatchObject({ verdict: 'edited', reason: 'registered_text_with_other_variables' });
  });
});

describe('settings', () => {
  const tool = (name: string, description: string) => ({ type: 'function', function: { name, description } });
  const settled = version('2', [
    variant(TEXT_2, {
      model: 'claude-x',
      parameters: { temperature: 0, max_tokens: 100 },
      tools: [tool('find', 'a'), tool('open', 'b')],
    }),
  ]);
  const expected = { ...EXPECTED, pin: pin(settled), versions: [V1, settled] };

  it.each([
    ['nothing is reported', {}, []],
    ['the same, spelled by another place', { model: 'anthropic/Claude-X', parameters: { temperature: '0' } }, []],
    ['a dated snapshot of the model', { model: 'claude-x-20260401' }, []],
    ['another model', { model: 'claude-y' }, ['model: claude-x registered, claude-y live']],
    ['a parameter that is not registered', { parameters: { top_p: 0.5 } }, []],
    ['another value', { parameters: { temperature: 0.9 } }, ['parameters.temperature: 0 registered, 0.9 live']],
    ['a tool in another order', { tools: [tool('open', 'b'), tool('find', 'a')] }, []],
  ] as const)('%s', (_what, settings, words) => {
    const judgement = verdictOf(expected, held(TEXT_2, { settings }));
    expect(judgement.verdict).toBe(words.length === 0 ? 'in_sync' : 'settings_changed');
    const told = judgement.evidence.filter(
      (evidence) => evidence.kind === 'settings' && evidence.words.includes('live'),
    );
    expect(told.map((evidence) => evidence.words)).toEqual(words);
  });

  it('shows tools that changed, came and went, in the diff', () => {
    const judgement = verdictOf(
      expected,
      held(TEXT_2, { settings: { tools: [tool('find', 'new'), tool('buy', 'c')] } }),
    );
    expect(judgement.verdict).toBe('settings_changed');
    expect(
      judgement.diff
        .split('\n')
        .filter((line) => /^[-+]tools/.test(line))
        .map((line) => line.slice(0, 12)),
    ).toEqual(['-tools.find:', '+tools.find:', '-tools.open:', '+tools.buy: ']);
  });

  it('adds changed settings to the diff of an edit', () => {
    const judgement = verdictOf(expected, held(`${TEXT_2}Hurry.`, { settings: { model: 'claude-y' } }));
    expect(judgement.verdict).toBe('edited');
    expect(judgement.diff).toMatch(/\+Hurry\.\n@@ settings @@\n-model: claude-x\n\+model: claude-y$/);
  });

  it('compares with the variant of the reported model', () => {
    const both = version('2', [variant('For A.', { model: 'a' }), variant('For B.', { model: 'b' })]);
    const twoModels = { ...EXPECTED, pin: pin(both), versions: [both] };
    expect(verdictOf(twoModels, held('For B.', { settings: { model: 'b' } })).verdict).toBe('in_sync');
    expect(verdictOf(twoModels, held('For B.', { settings: { model: 'a' } })).verdict).toBe('settings_changed');
  });
});

describe('pointer, badge and split', () => {
  const own = EXPECTED.versions.map((each) => ({ ...each, registry: 'checkout-config' }));
  const named = { ...EXPECTED, versions: own };

  it('catches a source that names one version and holds another', () => {
    expect(verdictOf(named, held(TEXT_1, { sourceVersion: '2' }))).toMatchObject({
      verdict: 'badge_lied',
      reason: 'badge_names_version_not_held',
      summary: 'support.intent in production says v2 but holds v1.',
    });
    expect(verdictOf(named, held(TEXT_2, { sourceVersion: '3' })).reason).toBe('badge_names_other_version');
    expect(verdictOf(named, held(TEXT_2, { sourceVersion: '2' })).verdict).toBe('in_sync');
  });

  it("believes no revision counter of a place that is not the versions' registry", () => {
    expect(verdictOf(EXPECTED, held(TEXT_1, { sourceVersion: '2' })).verdict).toBe('stale_version');
    expect(verdictOf(EXPECTED, held(TEXT_2, { sourceVersion: '3' })).verdict).toBe('in_sync');
  });

  it('tells a split that nobody declared from one that was, and from other contents of the object', () => {
    const a = held(TEXT_2, { part: 'pod-a' });
    const b = held(TEXT_1, { part: 'pod-b' });
    expect(verdictOf(EXPECTED, a, { siblings: [b] }).verdict).toBe('in_sync');
    const split = verdictOf(EXPECTED, b, { siblings: [a] });
    expect(split).toMatchObject({ verdict: 'replica_split', reason: 'parts_hold_different_versions', part: 'pod-b' });
    expect(split.evidence.map((evidence) => evidence.words)).toContain(
      'at the same time pod-b holds v1, pod-a holds v2',
    );
    const shares = [held(TEXT_1, { part: 'b', share: 0.1 }), held(TEXT_2, { part: 'a', share: 0.9 })] as const;
    expect(verdictOf(EXPECTED, shares[0], { siblings: [shares[1]] }).verdict).toBe('stale_version');
    expect(verdictOf(EXPECTED, b, { siblings: [held(STRANGER, { part: 'node-2' })] }).verdict).toBe('stale_version');
  });

  it('blames the registry when the target follows a text that was changed under a pinned version', () => {
    const changed = version('2', `${TEXT_2}Changed.`);
    const tampered = { ...EXPECTED, versions: [V1, changed, V3] };
    expect(verdictOf(tampered, held(`${TEXT_2}Changed.`)).reason).toBe('holds_text_changed_after_pin');
    expect(verdictOf(tampered, held(TEXT_2))).toMatchObject({ verdict: 'in_sync', reason: 'pinned_hash_held' });
  });
});

describe('since when', () => {
  const between = { changed: [time('02:41:10'), time('02:41:40')] } as const;

  it("is narrowed by the source's own time, unless that contradicts what was seen", () => {
    const at = (editedAt: string) =>
      verdictOf(EXPECTED, held(TEXT_1, { editedAt: time(editedAt) }), between).changedBetween;
    expect(at('02:41:20')).toEqual([time('02:41:20'), time('02:41:20')]);
    expect(at('01:00:00')).toEqual(between.changed);
    expect(at('03:00:00')).toEqual(between.changed);
  });

  it('may lie in the very second of the last look: places that tell whole seconds cut the rest', () => {
    const looked = time('02:41:10.445');
    const at = (editedAt: string) =>
      verdictOf(EXPECTED, held(TEXT_1, { editedAt: time(editedAt) }), { changed: [looked, time('02:41:40')] });
    expect(at('02:41:10').changedBetween).toEqual([looked, time('02:41:11')]);
    expect(
      at('02:41:10')
        .evidence.map(({ words }) => words)
        .join(),
    ).not.toContain('does not agree');
    expect(at('02:41:09').changedBetween).toEqual([looked, time('02:41:40')]);
  });

  it('is the move of the pin when the target did not change', () => {
    const moved = { ...EXPECTED, pin: pin(V2, { since: time('03:00:00'), by: 'ada' }) };
    const judgement = verdictOf(moved, held(TEXT_1, { observedAt: time('03:00:30') }), between);
    expect(judgement.changedBetween).toEqual([time('03:00:00'), time('03:00:00')]);
    expect(judgement.changedBy).toBe('ada');
  });

  it('of something missing is between the last look that saw it and the one that did not', () => {
    const judgement = verdictOf(EXPECTED, missing(), { previous: held(TEXT_2, { observedAt: time('02:41:10') }) });
    expect(judgement.changedBetween).toEqual([time('02:41:10'), time('02:41:40')]);
  });
});

describe('properties', () => {
  const texts = fc.constantFrom(TEXT_1, TEXT_2, TEXT_3, STRANGER, TEXT_2.trim(), `${TEXT_2} x`, '');
  const observations = fc.oneof(
    texts.map((text) => held(text)),
    fc
      .record({
        text: texts,
        share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        sourceVersion: fc.option(fc.constantFrom('1', '2', '9')),
      })
      .map(({ text, share, sourceVersion }) => held(text, { share, sourceVersion })),
    fc.constantFrom(missing(), unreachable()),
  );
  const expectations = fc
    .record({ versions: fc.subarray([V1, V2, V3]), pinned: fc.option(fc.constantFrom(V1, V2, V3)) })
    .map(({ versions, pinned }): Expected => ({ ...EXPECTED, versions, pin: pinned === null ? null : pin(pinned) }));

  it('what answered nothing is never drift, what is the pinned text always in sync', () => {
    fc.assert(
      fc.property(expectations, observations, (expected, observation) => {
        const judgement = verdictOf(expected, observation);
        const silent = observation.outcome === 'unreachable';
        expect(silent && DRIFT_VERDICTS.has(judgement.verdict)).toBe(false);
        const isPinnedText =
          observation.outcome === 'held' &&
          observation.hashes.strict === expected.pin?.hash &&
          observation.sourceVersion === null;
        expect(isPinnedText && judgement.verdict !== 'in_sync').toBe(false);
        expect(judgement.summary).toMatch(/\.$/);
        expect(judgement).toEqual(verdictOf(expected, observation));
      }),
      { numRuns: 500 },
    );
  });
});
