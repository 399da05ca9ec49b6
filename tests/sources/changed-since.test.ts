/** Histories that are told while people edit: nothing is missed, nothing is read twice, and what broke off goes on. */

import { describe, expect, test } from 'vitest';
import { changedSince, lookBack, toldSince } from '../../collectors/lib/changed-since.ts';
import { listedHistory, type ListedPrompt } from '../../collectors/lib/listed-history.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { textBody } from '../../src/text/body.ts';
import { registered } from '../support/store-samples.ts';

const signal = new AbortController().signal;

async function* named(...names: readonly string[]): AsyncIterable<RegisteredVersion> {
  for (const name of names) yield registered(name, `text ${name}`);
}

describe('the cursor', () => {
  test('moves with the last version only', async () => {
    const told = await Array.fromAsync(toldSince('before', named('1', '2', '3'), () => 'after'));
    expect(told.map(({ version, cursor }) => [version.version, cursor])).toEqual([
      ['1', 'before'],
      ['2', 'before'],
      ['3', 'after'],
    ]);
    expect(await Array.fromAsync(toldSince('before', named(), () => 'after'))).toEqual([]);
  });

  test('orders times by what they mean, however many digits they have', async () => {
    const prompts = ['2026-11-20T02:00:00.5Z', '2026-11-20T02:00:00Z', '2026-11-20T01:59:59.999999Z', null];
    const told = await Array.fromAsync(
      changedSince(
        '2026-11-20T02:00:00.000Z',
        prompts,
        (at) => at,
        (at) => named(String(at)),
      ),
    );
    expect(told.map(({ version }) => version.version)).toEqual(['2026-11-20T02:00:00Z', '2026-11-20T02:00:00.5Z']);
  });

  test('that is none means the beginning', () => {
    expect([lookBack(null), lookBack(''), lookBack('no time')]).toEqual([null, null, null]);
    expect(Date.parse(lookBack('2026-11-20T02:00:00Z') ?? '')).toBeLessThan(Date.parse('2026-11-20T02:00:00Z'));
  });
});

describe('a list that is edited while it is read', () => {
  /** A registry whose prompts a test edits, also between two pages of its list. */
  class Edited {
    readonly texts = new Map<string, string[]>();
    readonly changed = new Map<string, string>();
    readonly asked: string[] = [];
    betweenPages: () => void = () => undefined;
    #second = 0;

    write(id: string, text: string): void {
      this.#second += 1;
      this.texts.set(id, [...(this.texts.get(id) ?? []), text]);
      this.changed.set(id, `2026-11-20T02:00:${String(this.#second).padStart(2, '0')}Z`);
    }

    async *list(): AsyncIterable<ListedPrompt> {
      for (const id of this.texts.keys()) {
        const changedAt = this.changed.get(id);
        yield {
          id,
          name: id,
          changedAt,
          versions: async () => {
            this.asked.push(id);
            return (this.texts.get(id) ?? []).map((text, index) => ({
              version: String(index + 1),
              contents: [{ body: textBody(text), format: 'plain' as const, url: 'https://example.com' }],
            }));
          },
        };
        this.betweenPages();
      }
    }
  }

  function registryOf(place: Edited): SourceRegistry {
    const history = listedHistory('place', () => place.list());
    return new SourceRegistry('place', (...question) => history.list(...question));
  }

  test('hides no change, although something else is listed with a later one', async () => {
    const place = new Edited();
    for (const id of ['a', 'b']) place.write(id, `first of ${id}`);
    const registry = registryOf(place);
    let isEdited = false;
    place.betweenPages = () => {
      if (isEdited) return;
      isEdited = true;
      // After `a` was listed as it was, and before `b` is listed as it is then.
      place.write('a', 'second of a');
      place.texts.set('a', ['first of a']);
      place.write('b', 'second of b');
    };
    await registry.read(signal);
    place.texts.set('a', ['first of a', 'second of a']);
    await registry.read(signal);
    expect(registry.versions.map(({ prompt, version }) => `${prompt}@${version}`).toSorted()).toEqual([
      'a@1',
      'a@2',
      'b@1',
      'b@2',
    ]);
  });

  test('is asked about what changed, and once more about what changed last', async () => {
    const place = new Edited();
    for (const id of ['a', 'b', 'c']) place.write(id, `first of ${id}`);
    const registry = registryOf(place);
    await registry.read(signal);
    expect(place.asked.splice(0)).toEqual(['a', 'b', 'c']);
    await registry.read(signal);
    expect(place.asked.splice(0)).toEqual(['c']);
    place.write('a', 'second of a');
    await registry.read(signal);
    expect(place.asked.splice(0)).toEqual(['c', 'a']);
    await registry.read(signal);
    expect(place.asked.splice(0)).toEqual(['a']);
  });
});
