/** What was held, told from random looks over days, against a model that goes through them one by one. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis, millisBetween, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { seededRandom } from '../support/random.ts';
import { held, time, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

let database: Database;
let store: Store;
beforeAll(async () => {
  database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
  await migrate(database, systemClock);
  store = createStore(database, systemClock);
});
afterAll(() => database.close());

const START = time('2026-01-01T00:00:00Z');
const MINUTE_MS = 60_000;
const PROMPTS = 12;
const LOOKS = 80;
const MOMENTS = 6;

interface Look {
  readonly askedAt: Timestamp;
  readonly observedAt: Timestamp;
  /** Null: gone. */
  readonly text: string | null;
}

/** A stretch of looks that saw the same, as the answer should tell it. */
function stretchesOf(looks: readonly Look[]) {
  const runs: Look[][] = [];
  for (const look of looks) {
    const run = runs.at(-1);
    if (run?.[0]?.text === look.text) run?.push(look);
    else runs.push([look]);
  }
  return runs.map((run, index) => {
    const [first, last] = [run[0] as Look, run.at(-1) as Look];
    const from = [runs[index - 1]?.at(-1)?.askedAt ?? null, first.observedAt];
    return { text: first.text, from, until: [last.askedAt, runs[index + 1]?.[0]?.observedAt ?? null] };
  });
}

test('what was held is told from days of looks as from one look after the other', async () => {
  const random = seededRandom();
  for (let number = 0; number < PROMPTS; number += 1) {
    const scope = { prompt: `prompt-${number}`, environment: 'production', target: `config/prompt-${number}` };
    const looks: Look[] = [];
    const failed: Timestamp[] = [];
    let askedAt = START;
    let text: string | null = 'A';
    while (looks.length < LOOKS) {
      // From a minute to two days later, and mostly the same.
      const hours = [0, 0, 1, 8, 48][random.below(5)] ?? 0;
      askedAt = addMillis(askedAt, MINUTE_MS + Math.floor(random.next() * hours * 60) * MINUTE_MS);
      if (random.below(3) === 0) text = ['A', 'B', 'C', null][random.below(4)] ?? null;
      const observedAt = addMillis(askedAt, random.below(5_000));
      if (random.below(8) === 0) failed.push(observedAt);
      else looks.push({ askedAt, observedAt, text });
    }
    const end = addMillis(askedAt, MINUTE_MS);
    await store.observations.append([
      ...looks.map((look) =>
        look.text === null
          ? { ...unanswered('00:00:00', 'missing'), ...scope, askedAt: look.askedAt, observedAt: look.observedAt }
          : { ...held(look.observedAt, look.text, scope), askedAt: look.askedAt },
      ),
      ...failed.map((observedAt) => ({ ...unanswered('00:00:00', 'unreachable'), ...scope, observedAt })),
    ]);
    const wanted = stretchesOf(looks);
    const told = `SEED=${random.seed}, ${scope.prompt}`;
    const range = await store.timeline.range({ ...scope, from: START, to: end });
    expect(
      range.held.map((entry) => ({ text: entry.text, from: entry.from, until: entry.until })),
      told,
    ).toEqual(wanted);
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      const at = addMillis(START, Math.floor(random.next() * millisBetween(START, end)));
      const active = looks.findLast(({ observedAt }) => observedAt <= at);
      const answer = await store.timeline.at({ ...scope, time: at });
      expect(
        answer.held.map((entry) => entry.text),
        `${told}, ${at}`,
      ).toEqual(active === undefined ? [] : [active.text]);
    }
  }
});
