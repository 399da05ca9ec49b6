/** `npm run build`: compiles to dist/ what the npm package and the container image run, since Node strips no types below node_modules. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireNode } from '../bin/launch.mjs';
import { toolPath } from './check.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

ensureInstalled({ dev: true });
rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const result = spawnSync(requireNode(), [toolPath('tsc'), '--project', 'tsconfig.build.json'], {
  cwd: ROOT,
  // `npm pack --json` prints its report on stdout: ours must not be in it.
  stdio: ['ignore', process.stderr.fd, process.stderr.fd],
});
process.exitCode = result.status ?? 1;
