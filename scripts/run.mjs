/** `run.mjs MODULE [args]`: installs what is missing, then runs one of our modules under Node 24. */

import { resolve } from 'node:path';
import { run } from '../bin/launch.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

const [module = '', ...args] = process.argv.slice(2);
ensureInstalled();
await run(resolve(ROOT, module), args);
