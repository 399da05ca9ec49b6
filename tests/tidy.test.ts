/** Taste that is enforced: layers, names, sizes, headers, links, pins. `tests/tidy/architecture.ts` holds the layers. */

import { existsSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IMPURE_ON_PURPOSE, LAYERS, OWNED_PACKAGES, WORDS, layerOf, type Layer } from './tidy/architecture.ts';
import { ROOT, codeLines, importsOf, trackedFiles } from './tidy/source-files.ts';
import type { TextFile } from './tidy/source-files.ts';

const files = trackedFiles();
const isCode = ({ path }: TextFile): boolean => /\.(ts|tsx|js|mjs)$/.test(path) && !path.startsWith('tests/golden/');
const code = files.filter(isCode);
const product = code.filter(({ path }) => /^(src|collectors|dashboards|examples)\//.test(path));

/** `path: what` for each file in which `find` finds something. */
function problems(among: readonly TextFile[], find: (file: TextFile) => Iterable<string>): readonly string[] {
  return among.flatMap((file) => [...find(file)].map((what) => `${file.path}: ${what}`));
}

test('there is something to check', () => {
  expect(product.length).toBeGreaterThan(100);
  expect(product.flatMap(importsOf).length).toBeGreaterThan(500);
});

describe('layers', () => {
  test('imports are found in every spelling', () => {
    const text = [
      "import 'a';",
      "import b, { type B } from 'b';",
      'import {\n  one,\n  two as three,\n} from "./c.ts";',
      "import type * as d from '../d.ts';",
      "export * from './e.ts';",
      "const f = await import('f');",
      "export const g = 'g';",
    ].join('\n');
    expect(importsOf({ path: 'src/x/y.ts', text })).toEqual(['a', 'b', 'src/x/c.ts', 'src/d.ts', 'src/x/e.ts', 'f']);
  });

  test('the table is an arrow: a folder knows only what stands above it', () => {
    const folders = LAYERS.map(({ folder }) => folder);
    const found = LAYERS.flatMap(({ folder, knows }, line) =>
      knows === 'everything'
        ? []
        : knows.filter((known) => !folders.slice(0, line).includes(known)).map((known) => `${folder} → ${known}`),
    );
    expect(found).toEqual([]);
  });

  test('every folder has its line', () => {
    expect(product.filter(({ path }) => layerOf(path) === null).map(({ path }) => path)).toEqual([]);
  });

  test('the map of the code says the same', () => {
    const map = files.find(({ path }) => path === 'docs/architecture.md')?.text ?? '';
    const rows = [...map.matchAll(/^\| `([^`]+?)\/?` \| (.+) \| ([^|]+) \|$/gm)];
    expect(rows.map(([, folder, what, knows]) => [folder, what?.endsWith('(pure)'), knows])).toEqual(
      LAYERS.map(({ folder, pure, knows }) => [folder, pure === true, inWords(knows)]),
    );
  });

  function inWords(knows: Layer['knows']): string {
    if (knows === 'everything') return knows;
    const hasWords = WORDS.every((word) => knows.includes(word));
    const others = knows.filter((known) => !hasWords || !WORDS.includes(known));
    const names = others.map((known) => `\`${known.replace(/^src\//, '')}\``);
    return [...(hasWords ? ['words'] : []), ...names].join(', ') || 'nothing';
  }

  test('each folder imports only what it may know', () => {
    const found = problems(product, function* (file) {
      const layer = layerOf(file.path);
      for (const target of importsOf(file)) {
        const known = /^(src|collectors|dashboards|examples|tests|bench|scripts|bin)\//.test(target)
          ? layerOf(target)
          : layer;
        if (layer === null || layer.knows === 'everything' || known === layer) continue;
        // A plugin's list lies above its folders: `collectors/index.ts` may name `collectors/otlp/`.
        if (known?.folder.startsWith(`${layer.folder}/`) === true) continue;
        if (known === null || !layer.knows.includes(known.folder)) yield `imports ${target}`;
      }
    });
    expect(found).toEqual([]);
  });

  test('a package that one folder owns is imported only there', () => {
    const found = problems(product, function* (file) {
      if (file.path.startsWith('examples/')) return;
      const folder = layerOf(file.path)?.folder;
      for (const target of importsOf(file)) {
        const owner = OWNED_PACKAGES.find(({ packages }) => packages.test(target));
        if (owner !== undefined && owner.folder !== folder) yield `imports ${target}, which is for ${owner.folder}`;
      }
    });
    expect(found).toEqual([]);
  });

  test('pure folders have no I/O, no clock and no chance', () => {
    const impure = /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|randomUUID|fetch\()/;
    const found = problems(product, function* (file) {
      if (layerOf(file.path)?.pure !== true) return;
      for (const target of importsOf(file)) {
        if (target.startsWith('node:') && target !== 'node:crypto') yield `imports ${target}`;
      }
      const match = impure.exec(withoutComments(file.text));
      if (match !== null) yield `uses ${match[0]}`;
    });
    expect(found).toEqual(Object.entries(IMPURE_ON_PURPOSE).map(([path, what]) => `${path}: ${what}`));
  });

  test('only src/config/ reads the environment', () => {
    // The engine's allocator is told by a variable, and by nothing else.
    const writes = 'src/store/engine/memory.ts';
    const daemon = product.filter(
      ({ path }) => path !== writes && /^(src|collectors)\//.test(path) && !path.startsWith('src/config/'),
    );
    expect(daemon.filter(({ text }) => /\bprocess\.env\b/.test(withoutComments(text))).map(({ path }) => path)).toEqual(
      [],
    );
  });
});

describe('files', () => {
  test('names are kebab-case', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.(ts|tsx|js|mjs)$/;
    expect(code.map(({ path }) => path).filter((path) => !kebab.test(basename(path)))).toEqual([]);
  });

  test('no name says that it does something or other', () => {
    const vague = /(^|[-/])(utils?|helpers?|manager|misc|common-stuff|service)(\.|\/|$)/;
    expect(product.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  test('each opens with a comment that says what it is for; a test says that itself', () => {
    const opening = /^(#!.*\n)?\s*(\/\*\*|\/\/)/;
    const silent = code.filter(({ path, text }) => !path.endsWith('.test.ts') && !opening.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('none is longer than 400 lines of code', () => {
    const long = code.filter(({ text }) => codeLines(text) > 400);
    expect(long.map(({ path, text }) => `${path}: ${codeLines(text)}`)).toEqual([]);
  });

  test('none leans on the machine or the place where it was written', () => {
    const forbidden: readonly (readonly [string, RegExp])[] = [
      ['a path of somebody’s machine', /(?<![\w.~$}/-])\/(?:work|root|Users|home\/(?!node\b|plumbline\b)\w+)\/\w/],
      ['a folder outside the project', /\.\.\/shared\b/],
      ['a package registry', /\bregistry\.(?:npmjs|yarnpkg|npmmirror)\.\w+|\bverdaccio\b/],
    ];
    const found = problems(files, function* ({ text, path }) {
      if (path.startsWith('tests/golden/')) return;
      for (const [what, pattern] of forbidden) {
        const match = pattern.exec(text);
        if (match !== null) yield `${what}, line ${text.slice(0, match.index).split('\n').length}: ${match[0]}`;
      }
    });
    expect(found).toEqual([]);
  });
});

describe('documents', () => {
  test('links lead somewhere', () => {
    const documents = files.filter(({ path }) => path.endsWith('.md'));
    const found = problems(documents, function* ({ path, text }) {
      for (const [, target = ''] of text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const linked = file === '' ? path : posix.join(posix.dirname(path), file);
        if (!existsSync(join(ROOT, linked))) yield `links to ${target}, which is not there`;
        else if (anchor !== undefined && !anchorsOf(linked).has(anchor))
          yield `links to ${target}, which has no such heading`;
      }
    });
    expect(found).toEqual([]);
  });

  /** Headings as GitHub turns them into anchors. */
  function anchorsOf(path: string): ReadonlySet<string> {
    const text = files.find((file) => file.path === path)?.text ?? '';
    const headings = [...text.matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => match[1] ?? '');
    return new Set(
      headings.map((heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replaceAll(/\s/g, '-'),
      ),
    );
  }
});

describe('dependencies', () => {
  const read = (path: string): any => JSON.parse(files.find((file) => file.path === path)?.text ?? '{}');

  test('are pinned exactly', () => {
    const { dependencies, devDependencies, optionalDependencies } = read('package.json');
    const all = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('are locked without a registry, for every platform (else: node scripts/complete-lock.mjs)', () => {
    const { packages } = read('package-lock.json') as { packages: Record<string, any> };
    expect(Object.keys(packages).filter((path) => packages[path].resolved !== undefined)).toEqual([]);
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
      ),
    );
    expect(missing).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}
