/** Opens an embedded store and says so. Arguments: data directory; `abort` to end as V8 does without memory, or `wait`. */

import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';

const [directory = '', how = 'wait'] = process.argv.slice(2);
const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
await database.ping();
console.log('open');
if (how === 'abort') process.abort();
setInterval(() => {}, 1_000);
