import { expect, it } from 'vitest';
import { Gate } from '../../src/lib/gate.ts';

/** Work that ends when it is told to. */
function workIn(gate: Gate, begun: string[]): (name: string, weight?: number, signal?: AbortSignal) => () => void {
  return (name, weight, signal) => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const work = (): Promise<void> => {
      begun.push(name);
      return ended;
    };
    gate.run(work, signal, weight).catch(() => {});
    return end;
  };
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

it('lets in what fits, and what waits in the order in which it came', async () => {
  const begun: string[] = [];
  const begin = workIn(new Gate(10), begun);
  const endA = begin('a', 6);
  begin('b', 5);
  // It would fit, and is not first.
  begin('c', 1);
  await turn();
  expect(begun).toEqual(['a']);
  endA();
  await turn();
  expect(begun).toEqual(['a', 'b', 'c']);
});

it('lets in alone what is more than may run at once', async () => {
  const begun: string[] = [];
  const begin = workIn(new Gate(10), begun);
  const endA = begin('a', 1);
  const endB = begin('b', 50);
  begin('c', 1);
  await turn();
  endA();
  await turn();
  expect(begun).toEqual(['a', 'b']);
  endB();
  await turn();
  expect(begun).toEqual(['a', 'b', 'c']);
});

it('waits for nobody who has given up', async () => {
  const begun: string[] = [];
  const begin = workIn(new Gate(2), begun);
  begin('a', 1);
  const patience = new AbortController();
  begin('b', 2, patience.signal);
  begin('c', 1);
  await turn();
  expect(begun).toEqual(['a']);
  patience.abort();
  await turn();
  expect(begun).toEqual(['a', 'c']);
});
