/**
 * Opens an embedded store and says so. Arguments: data directory, and what comes then: `wait`; `abort`, as V8 ends
 * without memory; or while the engine works an exception that nobody catches (`throw`, `reject`), or an `exit` with 3.
 */

import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';

const [directory = '', how = 'wait'] = process.argv.slice(2);
const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
await database.ping();
console.log('open');
if (how === 'abort') process.abort();
if (how !== 'wait') {
  const work = database.query('SELECT sum(sipHash64(number)) FROM numbers(100000000000)');
  work.catch(() => undefined);
  setTimeout(() => {
    if (how === 'throw') throw new Error('planted');
    if (how === 'reject') void Promise.reject(new Error('planted', { cause: new Error('the cause') }));
    if (how === 'exit') process.exit(3);
  }, 100);
}
setInterval(() => {}, 1_000);
