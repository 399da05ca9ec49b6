#!/usr/bin/env node
/** The `plumbline` binary. In a clone it runs the TypeScript sources, in an installed package the compiled form. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './launch.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const sources = at('../src/main.ts');
await run(existsSync(sources) ? sources : at('../dist/src/main.js'), process.argv.slice(2));
