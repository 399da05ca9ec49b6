/** The stand-ins of all sources: one line per plugin, in the order of the alphabet. */

import { filesFixture } from './files.ts';
import { gitFixture } from './git.ts';
import { httpJsonFixture } from './http-json.ts';
import { langfuseFixture } from './langfuse.ts';
import type { SourceFixture } from './stand-in.ts';

export const sourceFixtures: readonly SourceFixture[] = [filesFixture, gitFixture, httpJsonFixture, langfuseFixture];
