/** The contract of `src/contract/source.ts`, checked on plugins behind the real host. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HeldObservation, Observation } from '../../../src/contract/observation.ts';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { bodyMessages } from '../../../src/text/body.ts';
import { contentHashes } from '../../../src/text/hashes.ts';
import { EDITED, originalText, type SourceFixture, type StandIn } from './stand-in.ts';
import { watchPlace, type Place } from './watch-place.ts';

/** Every promise of the contract, over each of the stand-ins. Called once in a test file. */
export function contractSuite(fixtures: readonly SourceFixture[]): void {
  describe.each(fixtures)('$type', (fixture) => {
    const opened: Place[] = [];

    async function setUp(): Promise<{ standIn: StandIn; place: Place; prompt: string }> {
      const standIn = await fixture.open();
      const place = await watchPlace(fixture, standIn);
      opened.push(place);
      return { standIn, place, prompt: standIn.targets[1]?.prompt ?? '' };
    }

    afterEach(async () => {
      vi.useRealTimers();
      for (const place of opened.splice(0)) await place.close();
    });

    it('reads every target as it is stored, and says so again when nothing changed', async () => {
      const { standIn, place } = await setUp();
      const first = await place.poll();
      expect(first.size).toBe(standIn.targets.length);
      for (const { prompt } of standIn.targets) {
        expect(heldText(first.get(prompt))).toBe(await standIn.text(prompt));
      }
      const second = await place.poll();
      for (const { prompt } of standIn.targets) {
        const timeless = { askedAt: '', observedAt: '' };
        expect({ ...second.get(prompt), ...timeless }).toEqual({ ...first.get(prompt), ...timeless });
      }
      expect(bugs(place)).toEqual([]);
    });

    it('finds a hand edit, and names its editor where the place does', async () => {
      const { standIn, place, prompt } = await setUp();
      const before = await place.poll();
      await standIn.edit(prompt, EDITED);
      const after = await place.poll();
      expect(heldText(after.get(prompt))).toBe(EDITED);
      expect(held(after.get(prompt)).editedBy).toBe(standIn.editor);
      const others = standIn.targets.map((target) => target.prompt).filter((each) => each !== prompt);
      for (const other of others) expect(hashesOf(after.get(other))).toEqual(hashesOf(before.get(other)));
    });

    it('keeps a moved pointer apart from the content', async () => {
      const { standIn, place, prompt } = await setUp();
      const before = held((await place.poll()).get(prompt));
      expect(before.pointer === null).toBe(standIn.movePointer === null);
      if (standIn.movePointer === null) return;
      await standIn.movePointer(prompt);
      const after = held((await place.poll()).get(prompt));
      expect(after.pointer).not.toEqual(before.pointer);
      expect(after.pointer?.name).toBe(before.pointer?.name);
      expect(heldText(after)).toBe(await standIn.text(prompt));
    });

    it('says missing when the place says so, and nothing else is missing', async () => {
      const { standIn, place, prompt } = await setUp();
      if (standIn.remove === null) return;
      await place.poll();
      await standIn.remove(prompt);
      const after = await place.poll();
      for (const { prompt: each } of standIn.targets) {
        expect(after.get(each)?.outcome).toBe(each === prompt ? 'missing' : 'held');
      }
    });

    it('is unreachable in every trouble, shows no secret, and is well again afterwards', async () => {
      const { standIn, place, prompt } = await setUp();
      const impatient = await watchPlace(fixture, { ...standIn, close: () => Promise.resolve() }, 300);
      opened.unshift(impatient);
      await place.poll();
      for (const trouble of standIn.troubles) {
        await standIn.trouble(trouble);
        const during = await (trouble === 'hangs' ? impatient : place).poll();
        expect([trouble, ...outcomes(during)]).toEqual([trouble, 'unreachable']);
        // Alone it is asked for by itself, where all are asked for with a list.
        const alone = await (trouble === 'hangs' ? impatient : place).host.pollNow([`place/${prompt}`]);
        expect([trouble, ...alone.map((observation) => observation.outcome)]).toEqual([trouble, 'unreachable']);
        const pausedForMs = place.host.statuses()[0]?.pausedForMs ?? 0;
        expect(trouble !== 'throttled' || pausedForMs >= 7_000).toBe(true);
        await standIn.trouble(null);
        expect([trouble, ...outcomes(await place.poll())]).toEqual([trouble, 'held']);
        const shown = JSON.stringify([[...during.values()], place.host.statuses()]);
        for (const secret of standIn.secrets) {
          expect(shown).not.toContain(secret);
          expect(shown).not.toContain(Buffer.from(secret).toString('base64'));
        }
      }
      expect([...bugs(place), ...bugs(impatient)]).toEqual([]);
    });

    it('is unreachable and not missing when it was never reached', async () => {
      const { standIn, place } = await setUp();
      const trouble = standIn.troubles.find((kind) => kind === 'gone' || kind === 'html-404');
      if (trouble === undefined) throw new Error('Every place can be gone.');
      await standIn.trouble(trouble);
      expect(outcomes(await place.poll())).toEqual(['unreachable']);
    });

    it('stops when it is told to', async () => {
      const { standIn, place } = await setUp();
      if (standIn.troubles.includes('hangs')) await standIn.trouble('hangs');
      const controller = new AbortController();
      const reading = collect(place.source.source.live.read(place.source.targets, new Map(), controller.signal));
      controller.abort(new Error('Told to stop.'));
      const end = await reading.then(
        () => 'It was done before.',
        (error: unknown) => String(error),
      );
      expect(end).toMatch(standIn.troubles.includes('hangs') ? /Told to stop/ : /Told to stop|done before/);
      const late = collect(place.source.source.live.read(place.source.targets, new Map(), controller.signal));
      await expect(late).rejects.toThrow('Told to stop.');
    });

    it('works with a clock that stands in the past', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2001-09-09T01:46:40Z') });
      const { standIn, place, prompt } = await setUp();
      await place.poll();
      await standIn.edit(prompt, EDITED);
      expect(heldText((await place.poll()).get(prompt))).toBe(EDITED);
    });

    it('puts a version back, refuses over something newer, and never writes by itself', async () => {
      const { standIn, place, prompt } = await setUp();
      const { restore } = place.source.source;
      if (restore === undefined) return;
      const target = place.source.targets.find((each) => each.prompt === prompt);
      if (target === undefined) throw new Error('No target.');
      const registered = held((await place.poll()).get(prompt));
      await standIn.edit(prompt, EDITED);
      const edited = held((await place.poll()).get(prompt));
      const command = {
        version: '1',
        body: registered.body,
        settings: {},
        ...(registered.sourceVersion === null || restore.form === 'write'
          ? {}
          : { sourceVersion: registered.sourceVersion }),
      };

      expect(await place.host.restore(target.id, { ...command, dryRun: true })).toMatchObject({ result: 'planned' });
      expect(await standIn.text(prompt)).toBe(EDITED);

      const stale = {
        body: registered.body,
        ...(registered.sourceVersion === null ? {} : { version: registered.sourceVersion }),
      };
      const outdated = restore.restore(target, { ...command, expect: stale }, AbortSignal.timeout(5_000));
      await expect(outdated).rejects.toMatchObject({ name: 'Fault', kind: 'permanent' });
      expect(await standIn.text(prompt)).toBe(EDITED);

      const outcome = await place.host.restore(target.id, { ...command, expectHash: edited.hashes.strict });
      expect(outcome.result).toBe('restored');
      expect(await standIn.text(prompt)).toBe(originalText(prompt));
      expect(heldText((await place.poll()).get(prompt))).toBe(originalText(prompt));
    });

    it('takes genuine pushes only, and each of them once', async () => {
      const { standIn, place, prompt } = await setUp();
      const { webhook } = place.source.source;
      expect(webhook === undefined).toBe(standIn.push === undefined);
      if (webhook === undefined || standIn.push === undefined) return;
      const now = Date.now();
      const id = `place/${prompt}`;
      const receive = (request: ReturnType<NonNullable<StandIn['push']>>) =>
        webhook.receive(request, place.source.targets);
      const genuine = standIn.push(prompt, now);
      const forged =
        standIn.pushesCarrySecret === true
          ? { ...genuine, headers: spoilt(genuine.headers), query: spoilt(genuine.query) }
          : { ...genuine, body: Buffer.from(Buffer.from(genuine.body).toString().replace(prompt, 'greeting')) };
      const bare = { ...genuine, headers: { 'content-type': 'application/json' }, query: {} };
      for (const request of [forged, bare]) {
        await expect(receive(request)).rejects.toMatchObject({ name: 'Fault', kind: 'permanent' });
      }
      expect(await receive(genuine)).toContain(id);
      await expect(receive(genuine)).rejects.toMatchObject({ name: 'Fault', kind: 'permanent' });
      if (standIn.pushesAreDated !== true) return;
      const old = { ...standIn.push(prompt, now - 3_600_000), receivedAt: timestampFromMillis(now) };
      await expect(receive(old)).rejects.toMatchObject({ name: 'Fault', kind: 'permanent' });
    });

    it('discovers targets that read as it said', async () => {
      const { standIn, place } = await setUp();
      const { discover } = place.source.source;
      if (discover === undefined) return;
      const found = await collect(discover.discover(AbortSignal.timeout(10_000)));
      expect(found.length).toBeGreaterThanOrEqual(standIn.targets.length);
      const texts = found.map(({ content }) => bodyMessages(content.body)[0]?.content);
      for (const { prompt } of standIn.targets) expect(texts).toContain(await standIn.text(prompt));
      const again = await watchPlace(fixture, {
        ...standIn,
        targets: found.map(({ name, target }) => ({ prompt: name, config: target })),
        close: () => Promise.resolve(),
      });
      opened.push(again);
      const polled = await again.poll();
      for (const { name, content } of found)
        expect(heldText(polled.get(name))).toBe(bodyMessages(content.body)[0]?.content);
    });

    it('lists registered versions once, with their hashes', async () => {
      const { standIn, place, prompt } = await setUp();
      const { versions } = place.source.source;
      if (versions === undefined) return;
      const signal = AbortSignal.timeout(10_000);
      const before = await collect(versions.list(null, signal));
      expect(before.length).toBeGreaterThanOrEqual(standIn.targets.length);
      const ids = before.map(({ version }) => `${version.prompt}@${version.version}`);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { version } of before) {
        for (const variant of version.variants) expect(variant.hashes).toEqual(contentHashes(variant.body));
      }
      const cursor = before.at(-1)?.cursor ?? null;
      await standIn.edit(prompt, EDITED);
      const known = new Set(ids);
      const isKnown = (name: string, version: string): boolean => known.has(`${name}@${version}`);
      const fresh = await collect(versions.list(cursor, signal, isKnown));
      const texts = fresh.map(({ version }) => bodyMessages(version.variants[0].body)[0]?.content);
      expect(texts).toContain(EDITED);
      expect(fresh.length).toBeLessThanOrEqual(before.length);
    });
  });
}

/** The same fields, none of which has the value that it should have. */
function spoilt(fields: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, `${value ?? ''}0`]));
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return Array.fromAsync(items);
}

function held(observation: Observation | undefined): HeldObservation {
  if (observation?.outcome === 'held') return observation;
  throw new Error(`Expected held content, got ${JSON.stringify(observation)}`);
}

function heldText(observation: Observation | undefined): string | undefined {
  return bodyMessages(held(observation).body)[0]?.content;
}

function hashesOf(observation: Observation | undefined) {
  return held(observation).hashes;
}

function outcomes(observations: ReadonlyMap<string, Observation>): readonly string[] {
  return [...new Set([...observations.values()].map((observation) => observation.outcome))];
}

function bugs(place: Place): readonly unknown[] {
  return place.events
    .filter((event) => event.kind === 'bug')
    .map((event) => (event.kind === 'bug' ? String(event.error) : ''));
}
