/** All steps of the schema, in order. */

import { foundation } from './0001-foundation.ts';
import { telemetry } from './0002-telemetry.ts';
import { restores } from './0003-restores.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [foundation, telemetry, restores];
