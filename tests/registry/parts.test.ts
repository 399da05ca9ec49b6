/** The pure parts: order of versions, components, circles, and reading what Git says. */

import fc from 'fast-check';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';
import { findYamlFiles, readText } from '../../src/registry/discover.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { findCycles, touchedByComponent } from '../../src/registry/components.ts';
import { BatchReader, parseGitLog } from '../../src/registry/git.ts';
import { readPromptFile } from '../../src/registry/prompt-file.ts';
import { decideRecords, NO_HISTORY } from '../../src/registry/records.ts';
import { compareVersions, isVersion, newestVersion } from '../../src/registry/version-order.ts';

describe('versions', () => {
  test('are whole numbers or semantic versions', () => {
    expect(['0', '2', '1.4.0', '1.0.0-rc.1', '20260401'].filter((text) => !isVersion(text))).toEqual([]);
    expect(['', '01', '1.4', 'v1.0.0', '-1', 'latest', '1e3', '1.0.0+build'].filter(isVersion)).toEqual([]);
  });

  test('are ordered by number, not by letter', () => {
    const sorted = ['10', '2', '1.10.0', '1.9.0', '2.0.0-rc.1', 'latest', '2.1.0'].toSorted(compareVersions);
    expect(sorted).toEqual(['latest', '1.9.0', '1.10.0', '2.0.0-rc.1', '2', '2.1.0', '10']);
    expect(newestVersion(['9', '10', '1'])).toBe('10');
    expect(newestVersion([])).toBeNull();
  });

  test('have one order', () => {
    const version = fc.oneof(fc.nat(12).map(String), fc.constantFrom('1.0.0', '1.2.0', '2.0.0-a', 'x', ''));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        const isOrdered = compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0;
        expect(isOrdered && compareVersions(a, c) > 0).toBe(false);
        expect(compareVersions(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

function registered(prompt: string, version: string, components: readonly string[]): RegisteredVersion {
  const body = { kind: 'text', text: 'x' } as const;
  return {
    prompt,
    version,
    parent: null,
    owner: 'team',
    tags: [],
    isComponent: prompt.startsWith('shared'),
    variants: [{ model: 'm', body, format: 'plain', settings: {}, hashes: contentHashes(body) }],
    components: components.map((key) => ({ id: key.split('@')[0] ?? '', version: key.split('@')[1] ?? '' })),
    metrics: {},
    registry: 'files',
    origin: { file: 'f' },
    registeredAt: null,
    author: null,
  };
}

test('a component touches what holds it, directly or not', () => {
  const versions = [
    registered('shared.rules', '1', []),
    registered('shared.rules', '2', []),
    registered('shared.frame', '1', ['shared.rules@2']),
    registered('support.a', '1', ['shared.rules@1']),
    registered('support.a', '2', ['shared.frame@1']),
    registered('support.b', '1', []),
  ];
  const touched = (id: string, version?: string): string[] =>
    touchedByComponent(versions, version === undefined ? { id } : { id, version }).map(
      ({ prompt, version: its, through }) =>
        `${prompt}@${its} through ${through.map((ref) => `${ref.id}@${ref.version}`).join(' ')}`,
    );
  expect(touched('shared.rules', '2')).toEqual([
    'shared.frame@1 through shared.rules@2',
    'support.a@2 through shared.frame@1 shared.rules@2',
  ]);
  expect(touched('shared.rules')).toHaveLength(3);
  expect(touched('shared.nothing')).toEqual([]);
});

test('a link that leads nowhere is a file that can not be read, a link to a folder is none', async () => {
  const directory = tempDirectory();
  symlinkSync(join(directory, 'nothing'), join(directory, 'a.yaml'));
  symlinkSync(directory, join(directory, 'b.yaml'));
  const { files: found } = await findYamlFiles(directory, directory, new AbortController().signal);
  expect(found.map(({ shown }) => shown)).toEqual(['a.yaml']);
  expect(await readText(found[0]?.absolute ?? '', 10)).toMatchObject({ ok: false });
});

test('a file of gigabytes is not read to learn that it is too large', async () => {
  const path = join(tempDirectory('parts'), 'dump.yaml');
  writeFileSync(path, '');
  // Sparse: more than the runtime reads at once.
  truncateSync(path, 3 * 1024 ** 3);
  expect(await readText(path, 1024)).toEqual({ ok: false, reason: 'is larger than 1 KiB.' });
});

describe('circles', () => {
  const graph = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')), {
      maxLength: 10,
    })
    .map((edges) => {
      const map = new Map<string, string[]>();
      for (const [from, to] of edges) map.set(from, [...(map.get(from) ?? []), to]);
      return map;
    });

  test('each is one, and there is one exactly where a walk can return', () => {
    fc.assert(
      fc.property(graph, (references) => {
        const cycles = findCycles(references);
        for (const cycle of cycles) {
          for (const [index, key] of cycle.entries())
            expect(references.get(key)).toContain(cycle[(index + 1) % cycle.length]);
          expect(cycle[0]).toBe(cycle.toSorted()[0]);
        }
        const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
          (references.get(from) ?? []).some(
            (next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))),
          );
        const canReturn = [...references.keys()].some((key) => reaches(key, key));
        expect(cycles.length > 0).toBe(canReturn);
        expect(new Set(cycles.map((cycle) => cycle.join())).size).toBe(cycles.length);
      }),
    );
  });

  test('a chain of ten thousand is no problem', () => {
    const chain = new Map(Array.from({ length: 10_000 }, (_, index) => [`n${index}`, [`n${index + 1}`]]));
    expect(findCycles(chain)).toEqual([]);
  });
});

test('components that double at every level end in a reason, not in memory', () => {
  const level = (index: number): string => {
    const place = `{{component:shared.c${index - 1}}}`;
    const text = index === 0 ? 'x'.repeat(1_000) : `${place}${place}`;
    return `id: shared.c${index}\nversion: 1\ncomponent: true\nowner: t\ntags: []\nformat: plain\n${index === 0 ? '' : `components: [shared.c${index - 1}@1]\n`}template: "${text}"\n`;
  };
  const sources = Array.from(
    { length: 30 },
    (_, index) => readPromptFile(level(index), `c${index}.yaml`).source,
  ).filter((source) => source !== null);
  expect(sources).toHaveLength(30);
  const { current, versions } = decideRecords(NO_HISTORY, sources);
  expect(versions.length).toBeLessThan(15);
  expect(current.at(-1)?.reason).toContain('longer than 4000000 characters');
});

test('the answers of cat-file are taken apart wherever the pipe cuts them', () => {
  const blobs = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(null)), { maxLength: 6 });
  fc.assert(
    fc.property(blobs, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (contents, cuts) => {
      const id = (index: number): string => String(index).padStart(40, '0');
      const stream = Buffer.concat(
        contents.map((content, index) =>
          content === null
            ? Buffer.from(`${id(index)} missing\n`)
            : Buffer.concat([Buffer.from(`${id(index)} blob ${content.length}\n`), content, Buffer.from('\n')]),
        ),
      );
      const seen: (readonly [string, string | null])[] = [];
      const reader = new BatchReader((blob, content) =>
        seen.push([blob, content === null ? null : content.toString('hex')]),
      );
      for (let start = 0, turn = 0; start < stream.length; turn += 1) {
        const end = start + (cuts[turn % cuts.length] ?? 1);
        reader.push(stream.subarray(start, end));
        start = end;
      }
      expect(seen).toEqual(
        contents.map((content, index) => [id(index), content === null ? null : Buffer.from(content).toString('hex')]),
      );
    }),
  );
});

test('a log entry with an odd author, a deletion, a submodule and a path that looks like a header', () => {
  const zero = '0'.repeat(40);
  const one = '1'.repeat(40);
  const log =
    `commit ${one}\n${zero} ${zero}\n1700000000\n1600000000\nA: "B" <a@b>\0\n` +
    `:100644 000000 ${one} ${zero} D\0gone.yaml\0:000000 160000 ${zero} ${one} A\0module\0:000000 100755 ${zero} ${one} A\0commit x.yaml\0`;
  expect(parseGitLog(log)).toEqual([
    {
      hash: one,
      parents: [zero, zero],
      at: '2023-11-14T22:13:20.000000000Z',
      isRewritten: true,
      author: 'A: "B" <a@b>',
      changes: [
        { path: 'gone.yaml', blob: null, isNew: false },
        { path: 'module', blob: null, isNew: true },
        { path: 'commit x.yaml', blob: one, isNew: true },
      ],
    },
  ]);
});
