/**
 * Writes facts into an embedded store until it is killed, and says on standard output what was
 * acknowledged. Arguments: data directory, number of the first fact.
 */

import { writeSync } from 'node:fs';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { createStore } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { held, incident, time } from './store-samples.ts';

const [directory = '', first = '0'] = process.argv.slice(2);
const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
await migrate(database, systemClock);
const store = createStore(database, systemClock);

/** Three contents, each held for 12 polls. */
const TEXTS = ['one', 'two', 'three'];

for (let number = Number(first); ; number++) {
  const at = addMillis(time('00:00:00'), number * 1_000);
  const text = TEXTS[Math.floor(number / 12) % TEXTS.length] ?? '';
  // Of different kinds at once, as in the daemon; each is acknowledged by itself.
  await Promise.all([
    store.observations.append([held(at, text)]).then(() => acknowledge('observation', number)),
    store.incidents
      .append(incident(`i${number % 5}`, { revision: number + 1, updatedAt: at }), 'opened', 'test')
      .then(() => acknowledge('incident', number)),
  ]);
}

/** Straight to the pipe: what is in a buffer of the process would die with it. */
function acknowledge(kind: string, number: number): void {
  writeSync(1, `${kind} ${number}\n`);
}
