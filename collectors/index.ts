/** The registry of sources: one line per plugin, in the order of the alphabet. */

import type { AnySourcePlugin } from '../src/contract/source.ts';
import { files } from './files.ts';
import { git } from './git.ts';
import { httpJson } from './http-json.ts';
import { langfuse } from './langfuse.ts';

export const sourcePlugins: readonly AnySourcePlugin[] = [files, git, httpJson, langfuse];
