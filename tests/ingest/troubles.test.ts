import { expect, it } from 'vitest';
import { Troubles } from '../../src/ingest/troubles.ts';

it('is one trouble from the first part that meets it to the last, and each speaks for itself', () => {
  const said: (string | null)[] = [];
  const troubles = new Troubles((problem) => said.push(problem));
  const [loader, settler] = [troubles.of('loader'), troubles.of('settler')];
  loader(null);
  expect(said).toEqual([]);
  loader('no answer');
  settler('no answer');
  settler('refused');
  expect(troubles.problems).toEqual(['no answer', 'refused']);
  loader(null);
  expect(said).toEqual(['no answer']);
  expect(troubles.problems).toEqual(['refused']);
  settler(null);
  settler(null);
  expect(said).toEqual(['no answer', null]);
  expect(troubles.problems).toEqual([]);
});
