import { describe, expect, it } from 'vitest';
import type { TamperedVersion } from '../../src/contract/store.ts';
import { judgeTampered } from '../../src/drift/judge-registry.ts';
import { isOlder } from '../../src/drift/version-order.ts';
import { pin, PROMPT, time, version } from '../support/prompts.ts';

const before = version('2', 'Be kind.');
const after = version('2', 'Be rude.', { author: 'mallory', origin: { file: 'prompts/a.yaml', line: 3 } });
const TAMPERED: TamperedVersion = {
  prompt: PROMPT,
  version: '2',
  registry: 'files',
  firstSeen: { hash: before.variants[0].hashes.strict, at: time('01:00:00'), text: 'Be kind.' },
  intactAt: time('01:59:55'),
  now: { hash: after.variants[0].hashes.strict, text: 'Be rude.', version: after },
};

describe('judgeTampered', () => {
  it('judges once for each environment that pins the version', () => {
    const pins = [pin(before), pin(before, { environment: 'staging' }), pin(version('1', 'x'), { environment: 'qa' })];
    const judgements = judgeTampered(TAMPERED, pins, time('02:00:00'));
    expect(judgements.map((each) => [each.environment, each.severity])).toEqual([
      ['production', 'critical'],
      ['staging', 'warning'],
    ]);
    expect(judgements[0]).toMatchObject({
      verdict: 'registry_tampered',
      target: `registry:files/${PROMPT}`,
      part: '2',
      changedBy: 'mallory',
      changedBetween: [time('01:59:55'), time('02:00:00')],
    });
    expect(judgements[0]?.diff).toContain('-Be kind.\n+Be rude.');
  });

  it('is told also when nothing pins the version', () => {
    expect(judgeTampered(TAMPERED, [], time('02:00:00')).map((each) => each.environment)).toEqual(['registry']);
  });
});

describe('isOlder', () => {
  const order = (a: Parameters<typeof isOlder>[0], b: typeof a, rest: readonly (typeof a)[] = []) =>
    isOlder(a, b, [b, a, ...rest]);

  it.each([
    ['integers by value', version('9', ''), version('10', '')],
    ['semantic versions', version('1.9.0', ''), version('1.10.0', '')],
    ['pre-releases', version('2.0.0-rc.1', ''), version('2.0.0', '')],
    ['commits by descent', version('c0ffee', ''), version('abad1dea', '', { parent: 'c0ffee' })],
    [
      'commits by time',
      version('f', '', { registeredAt: time('01:00:00') }),
      version('a', '', { registeredAt: time('02:00:00') }),
    ],
  ])('orders %s', (_what, older, newer) => {
    expect(order(older, newer)).toBe(true);
    expect(order(newer, older)).toBe(false);
  });

  it('does not hang on a cycle of parents', () => {
    const [a, b] = [version('x', '', { parent: 'y' }), version('y', '', { parent: 'x' })];
    expect(typeof order(a, b)).toBe('boolean');
  });
});
