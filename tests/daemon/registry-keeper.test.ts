import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import type { RegistryLog } from '../../src/contract/store.ts';
import { RegistryKeeper, type RegistryLoad } from '../../src/daemon/registry/registry-keeper.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Log } from '../../src/observability/log.ts';

const LOADED: RegistryLoad = { snapshot: { versions: [], pins: [] }, problems: [], notes: [], tampered: [], rules: [] };

const store = {
  recordVersions: () => Promise.resolve([]),
  recordPins: () => Promise.resolve(false),
  readAgain: () => Promise.resolve(),
  versions: () => Promise.resolve([]),
} as Partial<RegistryLog> as RegistryLog;

afterEach(() => {
  vi.useRealTimers();
});

/** A keeper whose reloads fail when they are told to; `errors` is what it logs. */
async function startKeeper(first: RegistryLoad = LOADED) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const errors: unknown[] = [];
  const daemon = new AbortController();
  let fail: (reason: Error) => void = () => {};
  let loads = 0;
  const keeper = new RegistryKeeper({
    load: () => {
      loads += 1;
      return loads === 1
        ? Promise.resolve(first)
        : new Promise((_resolve, reject) => {
            fail = reject;
          });
    },
    store,
    horizon: new KnowledgeHorizon(systemClock),
    log: {
      info: () => {},
      error: (fields: object | string, message?: string) => {
        errors.push(message ?? fields);
      },
    } as unknown as Log,
    stopping: daemon.signal,
    onVersions: () => {},
    onChanged: () => Promise.resolve(),
    onTampered: () => Promise.resolve(),
  });
  await keeper.start();
  vi.advanceTimersToNextTimer();
  await vi.waitUntil(() => loads === 2, 60_000);
  return { keeper, errors, daemon, fail: (reason: Error) => fail(reason) };
}

it('says that a reload failed', async () => {
  const { keeper, errors, fail } = await startKeeper();
  fail(new Error('no such folder'));
  await vi.waitUntil(() => errors.length > 0, 60_000);
  expect(errors).toEqual(['the registry could not be reloaded']);
  expect(keeper.problem).toBe('The registry could not be reloaded: no such folder');
  await keeper.stop();
});

it('says nothing of a reload that fails because the daemon stops', async () => {
  const { keeper, errors, daemon, fail } = await startKeeper();
  // As the daemon does it: what is under way is cut off at once, the keeper itself is stopped last.
  const reason = new Error('The daemon stops.');
  daemon.abort(reason);
  fail(reason);
  await setImmediate();
  await keeper.stop();
  expect(errors).toEqual([]);
});

it('says what is wrong in the registry, and that something is', async () => {
  const problems = [{ file: 'prompts/a.yaml', line: 2, column: 1, field: 'owner', message: 'is required.' }];
  const { keeper, errors, fail } = await startKeeper({ ...LOADED, problems });
  expect(errors).toEqual(['registry: prompts/a.yaml:2:1 owner: is required.']);
  expect(keeper.problem).toMatch(/^The registry has problems: /);
  fail(new Error('the end of this test'));
  await keeper.stop();
  const right = await startKeeper();
  expect(right.keeper.problem).toBeNull();
  right.fail(new Error('the end of this test'));
  await right.keeper.stop();
});

it('knows of what is expected which registries had not been read for it', async () => {
  const { keeper, fail } = await startKeeper({ ...LOADED, unread: ['langfuse'] });
  expect(keeper.view.unread).toEqual(['langfuse']);
  fail(new Error('the end of this test'));
  await keeper.stop();
});
