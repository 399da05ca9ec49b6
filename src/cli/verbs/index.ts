/** All verbs, in the order of the help. */

import type { Verb } from '../verb.ts';
import { at } from './at.ts';
import { attribute } from './attribute.ts';
import { audit } from './audit.ts';
import { baselines } from './baselines.ts';
import { discover } from './discover.ts';
import { doctor } from './doctor.ts';
import { incidents } from './incidents.ts';
import { init } from './init.ts';
import { lock } from './lock.ts';
import { outputs } from './outputs.ts';
import { quarantine } from './quarantine.ts';
import { reprice } from './reprice.ts';
import { restore } from './restore.ts';
import { sql } from './sql.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { usage } from './usage.ts';
import { validate } from './validate.ts';
import { variables } from './variables.ts';

export const VERBS: readonly Verb[] = [
  start,
  init,
  discover,
  validate,
  lock,
  doctor,
  status,
  incidents,
  at,
  attribute,
  usage,
  variables,
  outputs,
  baselines,
  sql,
  restore,
  audit,
  quarantine,
  reprice,
];
