/** Buffers that come and go, with and without the setting, each in a process of its own. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { countBuffersWithHeap } from '../../src/daemon/external-memory.ts';

const MODULE = join(import.meta.dirname, '../../src/daemon/external-memory.ts');

/** How often V8 goes through its whole heap while 2 GB of buffers come and go beside 60 MB of objects. */
function collections(isSet: boolean): number {
  const script = `
    import { PerformanceObserver, constants } from 'node:perf_hooks';
    import { setImmediate as nextTurn } from 'node:timers/promises';
    import { countBuffersWithHeap } from ${JSON.stringify(MODULE)};
    if (${isSet}) countBuffersWithHeap();
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

it('no longer have V8 go through its whole heap', () => {
  const { node, v8 } = process.versions;
  const advice = `Node ${node} has V8 ${v8}: does it still know both flags of src/daemon/external-memory.ts, and are they still needed? Then its V8_MAJOR is to be changed, and this line.`;
  expect(v8, advice).toMatch(/^13\./);
  expect(collections(true)).toBeLessThan(collections(false) / 2);
});

it('is left as it is where V8 may not know it', () => {
  expect(countBuffersWithHeap('99.1.2')).toBe(false);
});
