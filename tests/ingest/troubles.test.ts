import { expect, it } from 'vitest';
import { Troubles, type OnTrouble } from '../../src/ingest/troubles.ts';

it('begins once, and is over when it is for every part', () => {
  const said: (string | null)[] = [];
  const troubles = new Troubles((problem) => said.push(problem));
  const [loader, settler, spool] = ['loader', 'settler', 'spool'].map((part) => troubles.of(part)) as [
    OnTrouble,
    OnTrouble,
    OnTrouble,
  ];
  loader(null);
  expect(said).toEqual([]);
  loader('no answer');
  settler('no answer');
  settler('refused');
  expect(troubles.problems).toEqual(['no answer', 'refused']);
  spool('full');
  spool('full');
  loader(null);
  expect(said).toEqual(['no answer', 'full']);
  expect(troubles.problems).toEqual(['refused', 'full']);
  settler(null);
  settler(null);
  expect(said).toEqual(['no answer', 'full']);
  spool(null);
  expect(said).toEqual(['no answer', 'full', null]);
  expect(troubles.problems).toEqual([]);
});

it('is no problem any more where its part is gone, which does not say that all is well', () => {
  const said: (string | null)[] = [];
  const troubles = new Troubles((problem) => said.push(problem));
  troubles.of('loader')('no answer');
  troubles.forget('loader');
  expect(troubles.problems).toEqual([]);
  expect(said).toEqual(['no answer']);
});
