/** Which long texts are remembered. */

import { expect, it } from 'vitest';
import { KEEP_EVERYTHING, policyFor } from '../../src/ingest/content/policy.ts';
import { TextMemory } from '../../src/ingest/content/texts.ts';

const LENGTH = 500;

it('a text that comes again and again is known by its hash, however much else comes, and others are forgotten', () => {
  const rememberedCharactersMax = 20 * LENGTH;
  const memory = new TextMemory(policyFor(KEEP_EVERYTHING, 'production'), {
    textCharactersMax: 1_000_000,
    rememberedCharactersMax,
  });
  const often = 'often '.padEnd(LENGTH, '.');
  const { hash } = memory.remember(often);
  const once = memory.remember('once '.padEnd(LENGTH, '.')).hash;
  for (let round = 0; round < 200; round += 1) {
    for (let other = 0; other < 5; other += 1) memory.remember(`other ${round} ${other}`.padEnd(LENGTH, '.'));
    expect(memory.remember(often).hash).toBe(hash);
  }
  // Not asked for in between, which would renew it.
  expect(memory.textOf(hash)).toBe(often);
  expect(memory.textOf(once)).toBeUndefined();
});
