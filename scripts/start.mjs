/** `npm start`: installs what is missing, then runs the daemon until it is told to stop. */

import { join } from 'node:path';
import { runAsChild } from '../bin/launch.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

ensureInstalled();
runAsChild(join(ROOT, 'src/main.ts'), process.argv.slice(2));
