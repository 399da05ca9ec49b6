/** How V8 collects with and without the settings, each time in a process of its own. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tuneGarbageCollection } from '../../src/daemon/memory/garbage-collection.ts';

const MODULE = join(import.meta.dirname, '../../src/daemon/memory/garbage-collection.ts');

/** How often V8 goes through its whole heap while 2 GB of buffers come and go beside 60 MB of objects. */
function collections(isSet: boolean): number {
  const script = `
    import { PerformanceObserver, constants } from 'node:perf_hooks';
    import { setImmediate as nextTurn } from 'node:timers/promises';
    import { tuneGarbageCollection } from ${JSON.stringify(MODULE)};
    if (${isSet}) tuneGarbageCollection();
    const kept = Array.from({ length: 500_000 }, (_, index) => ({ index, text: 'x' + index }));
    let whole = 0;
    const count = (list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole += 1;
    };
    const observer = new PerformanceObserver(count);
    observer.observe({ entryTypes: ['gc'] });
    for (let turn = 0; turn < 2_000; turn += 1) {
      for (let piece = 0; piece < 16; piece += 1) Buffer.allocUnsafeSlow(65_536).fill(piece);
      Array.from({ length: 2_000 }, (_, index) => ({ index }));
      await nextTurn();
    }
    count({ getEntries: () => observer.takeRecords() });
    console.log(whole, kept.length);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return Number(output.split(' ', 1)[0]);
}

it('does not go through the whole heap for buffers that come and go', () => {
  const { node, v8 } = process.versions;
  const advice = `Node ${node} has V8 ${v8}: does it still know the flags of src/daemon/memory/garbage-collection.ts, and are they still needed? Then its V8_MAJOR is to be changed, and this line.`;
  expect(v8, advice).toMatch(/^13\./);
  // Beside busy neighbours now and then a run has more.
  const least = Math.min(collections(true), collections(true), collections(true));
  expect(least).toBeLessThan(collections(false) / 2);
});

/** Whether any scavenge had a part done by helpers. */
function hasHelpers(cores: number): boolean {
  const script = `
    import { tuneGarbageCollection } from ${JSON.stringify(MODULE)};
    tuneGarbageCollection(100, process.versions.v8, ${cores});
    let kept = [];
    for (let turn = 0; turn < 3_000_000; turn += 1) {
      kept.push({ turn, text: 'x' + turn });
      if (kept.length === 100_000) kept = [];
    }`;
  const flags = ['--trace-gc-nvp', '--trace-gc', '--input-type=module'];
  const output = execFileSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8', maxBuffer: 1e8 });
  const shares = [...output.matchAll(/ gc=s .* background\.scavenge\.parallel=([\d.]+)/g)].map((match) =>
    Number(match[1]),
  );
  expect(shares.length).toBeGreaterThan(3);
  return shares.some((share) => share > 0);
}

it('scavenges in one thread where there are few cores', () => {
  expect(hasHelpers(2)).toBe(false);
  expect(hasHelpers(8)).toBe(true);
});

it('is left as it is where V8 may not know the flags', () => {
  expect(tuneGarbageCollection(100, '99.1.2')).toBe(false);
});
