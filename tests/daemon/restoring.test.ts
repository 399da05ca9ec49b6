/** Putting a version back into a real file: what is written, what is recorded, and what the incident says of it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourcePlugins } from '../../collectors/index.ts';
import { restore } from '../../src/daemon/targets/restoring.ts';
import type { RestoreCall } from '../../src/http/api.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { PollingHost } from '../../src/polling/host.ts';
import { openSources } from '../../src/polling/open-sources.ts';
import type { Database } from '../../src/store/database.ts';
import type { Store } from '../../src/store/index.ts';
import { pin, PROMPT, time, version } from '../support/prompts.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { openTestStore, QUIET_QUEUE, SILENT_LOG, TestRegistry, watching } from './setup.ts';

const V1 = version('1', 'You classify support messages. Answer with one word.');
const V2 = version('2', 'You classify support messages. Answer with one label.', { parent: '1' });
const TEXT = {
  v1: 'You classify support messages. Answer with one word.',
  v2: 'You classify support messages. Answer with one label.',
  edited: 'You classify support messages. Answer with one label, or two.',
};

let database: Database;
let store: Store;
beforeAll(async () => {
  ({ database, store } = await openTestStore(tempDirectory()));
});
afterAll(() => database.close());

/** A file that a source of this name watches, and what the daemon has around it. */
async function placeWith(name: string, text: string, registered = [V1, V2], pinned = V2) {
  const directory = tempDirectory();
  const file = join(directory, 'prompt.txt');
  const registry = new TestRegistry(registered, [pin(pinned)]);
  const { watch, clock, incidents } = await watching(store, registry, time('02:00:00'));
  const target = `${name}/${PROMPT}`;
  const source = {
    name,
    type: 'files',
    environment: 'production',
    everyMs: 30_000,
    timeoutMs: 5_000,
    config: {},
    targets: [{ prompt: PROMPT, config: { path: file } }],
  };
  const polling = new PollingHost({
    sources: openSources([source], sourcePlugins, { baseDirectory: directory, cacheDirectory: directory }),
    queue: QUIET_QUEUE,
    clock,
    horizon: new KnowledgeHorizon(clock),
    onObservations: (batch) => watch.take(batch),
    onEvent: () => undefined,
    limits: { missingPauseMs: 1 },
  });
  writeFileSync(file, text);
  await polling.pollNow([target]);
  clock.advance(30_000);
  const { restores, registry: versions } = store;
  const options = { polling, watch, registry: () => registry.view, versions, restores, clock, log: SILENT_LOG };
  const call = { target, dryRun: false, by: 'ann', reason: 'nobody meant to' };
  return {
    file,
    target,
    incidents: () => incidents(target),
    recorded: async () => (await store.restores.list({ target }, { limit: 10 })).items,
    restore: (more: Partial<RestoreCall> = {}, changes: Partial<typeof options> = {}) =>
      restore({ ...call, ...more }, { ...options, ...changes }),
  };
}

describe('a restore', () => {
  test('writes what is pinned, reads it back, records who and why, and ends the incident', async () => {
    const place = await placeWith('written', TEXT.edited);
    expect(await place.incidents()).toMatchObject([{ status: 'open', verdict: 'edited' }]);
    const outcome = await place.restore();
    expect(outcome).toMatchObject({ target: place.target, version: '2', written: true, readBack: { matches: true } });
    expect(outcome.diff).toContain('-You classify support messages. Answer with one label, or two.');
    expect(readFileSync(place.file, 'utf8').trimEnd()).toBe(TEXT.v2);
    expect(await place.recorded()).toMatchObject([
      {
        by: 'ann',
        reason: 'nobody meant to',
        result: 'restored',
        from: { version: null },
        to: { version: '2' },
        endedAt: time('02:00:30'),
      },
    ]);
    const [incident] = await place.incidents();
    expect(incident).toMatchObject({ status: 'resolved', resolution: 'restored' });
    expect(incident?.evidence.at(-1)).toEqual({
      kind: 'restore',
      words: 'ann put v2 back at 2026-11-20 02:00:30 UTC: nobody meant to',
    });
  });

  test('of a named version is what was asked for, though the pin says otherwise', async () => {
    const place = await placeWith('named', TEXT.v2);
    expect(await place.restore({ version: '1' })).toMatchObject({ version: '1', written: true });
    expect(await place.incidents()).toMatchObject([{ status: 'open', verdict: 'stale_version' }]);
    expect(await place.recorded()).toMatchObject([{ from: { version: '2' }, to: { version: '1' } }]);
  });

  test('writes over what the operator saw, and over nothing else', async () => {
    const place = await placeWith('expected', TEXT.edited);
    const { beforeHash } = await place.restore({ dryRun: true });
    expect(beforeHash).toBe(sha256(TEXT.edited));
    const meanwhile = 'Somebody else is at work here.';
    writeFileSync(place.file, meanwhile);
    const expectHash = beforeHash ?? undefined;
    await expect(place.restore({ expectHash })).rejects.toThrow('no longer holds what you saw');
    expect(readFileSync(place.file, 'utf8')).toBe(meanwhile);
    expect(await place.recorded()).toMatchObject([{ by: 'ann', result: 'failed' }]);
    writeFileSync(place.file, TEXT.edited);
    expect(await place.restore({ expectHash })).toMatchObject({ written: true, beforeHash });
    expect(readFileSync(place.file, 'utf8').trimEnd()).toBe(TEXT.v2);
  });

  test('of a part that is not there writes nothing', async () => {
    const place = await placeWith('parted', TEXT.edited);
    await expect(place.restore({ part: 'blue' })).rejects.toThrow('has no part blue');
    expect(readFileSync(place.file, 'utf8')).toBe(TEXT.edited);
    expect(await place.restore({ part: '' })).toMatchObject({ written: true });
  });

  test('that is only planned shows the difference, and neither writes nor records', async () => {
    const place = await placeWith('planned', TEXT.edited);
    const outcome = await place.restore({ dryRun: true });
    expect(outcome).toMatchObject({ written: false, readBack: null });
    expect(outcome.diff).toContain('+You classify support messages. Answer with one label.');
    expect(readFileSync(place.file, 'utf8')).toBe(TEXT.edited);
    expect(await place.recorded()).toEqual([]);
    expect(await place.incidents()).toMatchObject([{ status: 'open' }]);
  });

  test('of what somebody has put back meanwhile writes nothing, and takes no credit', async () => {
    const place = await placeWith('meanwhile', TEXT.edited);
    writeFileSync(place.file, TEXT.v2);
    expect(await place.restore()).toMatchObject({ written: false, readBack: null });
    expect(await place.recorded()).toMatchObject([{ result: 'nothing_to_do' }]);
    expect(await place.incidents()).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
  });

  test('is of the text that was pinned, when the registry has another one under its version by now', async () => {
    const rewritten = version('2', 'You classify support messages. Answer as you like.', { parent: '1' });
    for (const seen of [V2, rewritten]) await store.registry.recordVersions([seen], time('01:00:00'));
    const place = await placeWith('rewritten', 'You classify support messages. Answer as you like.\n', [V1, rewritten]);
    const [incident] = await place.incidents();
    expect(incident).toMatchObject({ verdict: 'registry_tampered', expected: { hash: V2.variants[0].hashes.strict } });
    expect(await place.restore()).toMatchObject({ version: '2', written: true, readBack: { matches: true } });
    expect(readFileSync(place.file, 'utf8').trimEnd()).toBe(TEXT.v2);
    expect(await place.incidents()).toMatchObject([{ status: 'resolved', resolution: 'restored' }]);
  });

  test('of a pinned text that nobody ever registered is refused, and says what to do', async () => {
    const never = version('2', 'You classify support messages. Never registered.', { parent: '1' });
    const place = await placeWith('never-registered', TEXT.edited, [V1, V2], never);
    await expect(place.restore()).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining(never.variants[0].hashes.strict),
      hint: expect.stringContaining(`plumbline lock ${PROMPT}@2 --environment production`),
    });
    expect(readFileSync(place.file, 'utf8')).toBe(TEXT.edited);
  });

  test('that can’t be recorded is not made', async () => {
    const place = await placeWith('unrecorded', TEXT.edited);
    const away = { ...store.restores, append: () => Promise.reject(new Error('The store is away.')) };
    await expect(place.restore({}, { restores: away })).rejects.toThrow('away');
    expect(readFileSync(place.file, 'utf8')).toBe(TEXT.edited);
  });

  test('of what is not there says what there is', async () => {
    const place = await placeWith('unknown', TEXT.v2);
    await expect(place.restore({ target: 'nowhere/at-all' })).rejects.toMatchObject({ kind: 'config' });
    await expect(place.restore({ version: '9' })).rejects.toMatchObject({ kind: 'config', hint: 'Registered: 1, 2.' });
    expect(await place.recorded()).toEqual([]);
  });
});
