/** Claims the directory of a spool and says so. Argument: the directory. */

import { systemClock } from '../../src/lib/time.ts';
import { claimSpoolDirectory } from '../../src/store/engine/data-directory.ts';

await claimSpoolDirectory(process.argv[2] ?? '', '1.0.0', systemClock.now());
console.log('claimed');
setInterval(() => {}, 1_000);
