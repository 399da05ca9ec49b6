/** Places that tell when something changed: the edit is hinted at, a broken connection is told, and watching begins anew. */

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/daemon.ts';
import { openKubernetes } from '../support/sources/kubernetes.ts';
import { openRedisPlace } from '../support/sources/redis.ts';
import { openSqlPlace } from '../support/sources/sql.ts';
import { EDITED, type StandIn } from '../support/sources/stand-in.ts';
import { watchPlace } from '../support/sources/watch-place.ts';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** PostgreSQL with a trigger that notifies, as a user would write it. */
async function openNotifyingSql(): Promise<StandIn> {
  const standIn = await openSqlPlace('postgres');
  await standIn.run(
    "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''prompts_changed'', NEW.name); RETURN NEW; END'",
  );
  await standIn.run('CREATE TRIGGER tell AFTER UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION tell()');
  return { ...standIn, config: { ...(standIn.config as object), listen: 'prompts_changed' } };
}

async function openNotifyingRedis(): Promise<StandIn> {
  const standIn = await openRedisPlace();
  const enable = (): Promise<unknown> => standIn.client.config('SET', 'notify-keyspace-events', 'KA');
  await enable();
  return {
    ...standIn,
    trouble: async (kind) => {
      await standIn.trouble(kind);
      if (kind === null) await enable();
    },
  };
}

/** A watch whose hints and end can be looked at. */
async function follow(type: string, standIn: StandIn) {
  const place = await watchPlace({ type }, standIn);
  opened.push(() => place.close());
  const hints: string[] = [];
  const begin = () => {
    const stop = new AbortController();
    const state = { end: null as string | null };
    const running = place.watch?.watch(place.source.targets, (id) => hints.push(id), stop.signal);
    const settled = running?.then(
      () => (state.end = 'resolved'),
      (error: unknown) => (state.end = String(error)),
    );
    opened.unshift(async () => {
      stop.abort(new Error('Enough.'));
      await settled;
    });
    return state;
  };
  return { hints, begin };
}

/** Edits again and again until it is heard: a watch takes a moment to begin. */
async function editUntilHeard(standIn: StandIn, hints: string[], prompt: string): Promise<void> {
  let edits = 0;
  await eventually(async () => {
    await standIn.edit(prompt, `${EDITED} ${(edits += 1)}`);
    return hints.includes(`place/${prompt}`);
  });
}

describe.each([
  ['sql', ['reply'], openNotifyingSql],
  ['redis', ['reply'], openNotifyingRedis],
  // A ConfigMap is one object with several keys.
  ['kubernetes', ['intent', 'reply', 'summary', 'greeting'], async (): Promise<StandIn> => openKubernetes()],
] as const)('%s', (type, concerned, open) => {
  it('hints at the target that was edited, notices when the place is gone, and hears again afterwards', async () => {
    const standIn = await open();
    const { hints, begin } = await follow(type, standIn);
    const first = begin();
    await editUntilHeard(standIn, hints, 'reply');
    expect(new Set(hints)).toEqual(new Set(concerned.map((prompt) => `place/${prompt}`)));
    expect(first.end).toBeNull();
    await standIn.trouble('gone');
    await eventually(async () => first.end !== null);
    await standIn.trouble(null);
    hints.length = 0;
    const second = begin();
    await editUntilHeard(standIn, hints, 'intent');
    expect(second.end).toBeNull();
  });

  it('fails at once where nobody answers, and stops when it is told to', async () => {
    const standIn = await open();
    const { begin } = await follow(type, standIn);
    await standIn.trouble('gone');
    const gone = begin();
    await eventually(async () => gone.end !== null);
    expect(gone.end).not.toBe('resolved');
    await standIn.trouble(null);
    begin();
    // The clean-up waits for its end.
  });
});

describe('a Kubernetes watch', () => {
  it('goes on where the server ended it, and looks at everything when the server forgot', async () => {
    const standIn = await openKubernetes();
    const { hints, begin } = await follow('kubernetes', standIn);
    const state = begin();
    await eventually(async () => standIn.watches() === 2);
    standIn.endWatches();
    // Between two answers: told by the next one.
    await standIn.edit('intent', EDITED);
    await eventually(async () => hints.includes('place/intent'));
    expect(hints).not.toContain('place/triage');
    await eventually(async () => standIn.watches() === 2);
    hints.length = 0;
    standIn.forget();
    await eventually(async () => hints.includes('place/triage') && hints.includes('place/intent'));
    expect(state.end).toBeNull();
  });

  it('is left to polling without the right to it', async () => {
    const standIn = await openKubernetes();
    standIn.forbidWatching();
    const { begin } = await follow('kubernetes', standIn);
    const state = begin();
    await eventually(async () => state.end !== null);
    expect(state.end).toBe('resolved');
  });
});
