import { afterEach, expect, it } from 'vitest';
import { takeConsole } from '../../src/observability/library-output.ts';

let giveBack = (): void => {};
afterEach(() => giveBack());

it('tells what libraries write, each line once, and says when it stops', () => {
  const told: string[] = [];
  giveBack = takeConsole((text) => told.push(text));
  for (let at = 0; at < 300; at += 1) {
    console.warn('line %d', at);
    console.warn('line %d', 0);
  }
  expect(told).toEqual([
    ...Array.from({ length: 200 }, (_, at) => `line ${at}`),
    'Libraries wrote 200 different lines. What else they write is left out.',
  ]);
});

it('gives the console back', () => {
  const before = console.log;
  takeConsole(() => {})();
  expect(console.log).toBe(before);
});
