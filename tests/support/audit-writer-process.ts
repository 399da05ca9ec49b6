/**
 * Records with an audit chain until it is killed, and says what was acknowledged. Arguments: data directory, a number
 * that makes its facts different from those of others.
 */

import { writeSync } from 'node:fs';
import { systemClock } from '../../src/lib/time.ts';
import { openTrail } from '../../src/store/audit/open-trail.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { held, incident } from './store-samples.ts';

const [directory = '', round = '0'] = process.argv.slice(2);
const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
await migrate(database, systemClock);
const trail = await openTrail(database, systemClock, 'writer-1');
const { observations, incidents } = createStore(database, systemClock, trail);

for (let number = 1; ; number++) {
  const at = systemClock.now();
  await observations.append([held(at, `text ${number % 5}`, { target: `config/${round}-${number}` })]);
  await incidents.append(incident(`i${round}`, { revision: number, updatedAt: at }), 'updated', 'test');
  writeSync(1, `${number}\n`);
}
