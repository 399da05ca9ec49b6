/** `lib/yaml.ts` and `lib/problems.ts`: positions, limits, and words that a person can act on. */

import fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { closest } from '../../src/lib/closest.ts';
import { checkShape, fieldName, formatProblems } from '../../src/lib/problems.ts';
import { parseYaml, YAML_LIMITS } from '../../src/lib/yaml.ts';

const DOCUMENT = `a:
  literal: |

    one
      two
  folded: >
    one
    two
  plain: some text
  quoted: "x\\ny"
list:
  - x: 1
    y: 1.10
  - [p, q]
copy: &anchor { inner: 1 }
again: *anchor
`;

describe('positions', () => {
  const document = parseYaml(DOCUMENT, 'f.yaml');

  test.each([
    [['a', 'literal'], 2, 3],
    [['list', 0, 'y'], 13, 5],
    [['list', 1, 1], 14, 9],
    [['list', 0, 'missing'], 12, 5],
    [['nowhere', 'at', 'all'], 1, 1],
    [['again', 'inner'], 15, 17],
  ])('of %j', (path, line, column) => {
    expect(document.locate(path)).toEqual({ line, column });
  });

  test('inside a literal block every line and column is exact', () => {
    const lines = DOCUMENT.split('\n');
    const text = (document.value as { a: { literal: string } }).a.literal;
    for (const [index, content] of text.split('\n').slice(0, -1).entries()) {
      const { line, column } = document.locateInText(['a', 'literal'], index + 1, 1);
      expect(lines[line - 1]?.slice(column - 1)).toBe(content);
    }
  });

  test('inside a plain scalar the column is exact; in folded and escaped ones it is the start', () => {
    expect(document.locateInText(['a', 'plain'], 1, 6)).toEqual({ line: 9, column: 15 });
    expect(document.locateInText(['a', 'folded'], 2, 1)).toEqual({ line: 6, column: 11 });
    expect(document.locateInText(['a', 'quoted'], 2, 1)).toEqual({ line: 10, column: 11 });
  });

  test('the spelling of a scalar is kept', () => {
    expect(document.spelling(['list', 0, 'y'])).toBe('1.10');
    expect(document.spelling(['list'])).toBeNull();
  });
});

describe('what is refused', () => {
  const messageOf = (text: string): string =>
    parseYaml(text, 'f')
      .problems.map(({ message }) => message)
      .join(' ');

  test('alias bombs', () => {
    const level = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(`*${of}`).join()}]\n`;
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}`;
    expect(messageOf(bomb)).toContain('repeats anchors');
    expect(messageOf('a: &x [*x]')).toContain('inside what it repeats');
  });

  test.each([
    ['[', '['.repeat(50_000)],
    ['[a, ', '[a, '.repeat(2_000)],
    ['{a: ', `${'{a: '.repeat(100)}${'}'.repeat(100)}`],
    ['- ', '- '.repeat(1_000)],
    ['lines', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('too deep: %s', (_name, text) => {
    expect(messageOf(text)).toContain(`nested deeper than ${YAML_LIMITS.depthMax} levels`);
  });

  test('a merge conflict, in one sentence; its marks in a text are a text', () => {
    const conflict = 'a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> topic\n';
    for (const text of [conflict, conflict.replaceAll('\n', '\r\n')]) {
      const words = formatProblems(parseYaml(text, 'f.yaml').problems);
      expect(words).toBe('f.yaml:2:1 holds a merge conflict that nobody resolved.');
    }
    expect(parseYaml(`a: |\n${conflict.replaceAll(/^/gm, '  ')}`, 'f.yaml').problems).toEqual([]);
  });

  test('too large', () => {
    expect(messageOf('x'.repeat(YAML_LIMITS.textBytesMax + 1))).toBe('is larger than 1024 KiB.');
  });

  test('a duplicate key, wherever it stands, and quickly among many', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1\n`).join('');
    expect(parseYaml(`${many}k7: 2\n`, 'f').problems).toMatchObject([{ line: 20_001 }]);
    expect(parseYaml('a: { b: 1, "b": 2 }\n', 'f').problems).toMatchObject([{ line: 1, column: 12 }]);
  });

  test('no text makes it throw, and problems have places in the text', () => {
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '|',
      '>',
      '&a ',
      '*a',
      '!t ',
      '#',
      '---\n',
      '\t',
      '? ',
      '\u0000',
      '%YAML 1.2\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const document = parseYaml(text, 'f');
        expect(document.problems.length === 0 || document.value === undefined).toBe(true);
        for (const { line = 0 } of document.problems) expect(line).toBeLessThanOrEqual(text.split('\n').length);
      }),
      { numRuns: 500 },
    );
  });
});

test('reads back every plain value, and locates every key of it', () => {
  const key = fc.stringMatching(/^[a-z]{1,6}$/);
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.dictionary(
    key,
    fc.oneof(leaf, fc.array(leaf, { maxLength: 4 }), fc.dictionary(key, leaf, { maxKeys: 4 })),
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(value, (object) => {
      const plain = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
      const text = stringify(plain);
      const document = parseYaml(text, 'f');
      expect(document.problems).toEqual([]);
      expect(document.value).toEqual(plain);
      for (const name of Object.keys(plain)) {
        const { line, column } = document.locate([name]);
        const found = text.split('\n')[line - 1] ?? '';
        expect(found.slice(column - 1).replace(/^["']/, '')).toMatch(new RegExp(`^${name}`));
      }
    }),
  );
});

const Store = z.union([
  z.strictObject({ path: z.string() }),
  z.strictObject({ url: z.string(), cluster: z.string().optional() }),
]);
const Source = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('files'), path: z.string() }),
  z.strictObject({ type: z.literal('git'), share: z.number().min(0).max(1) }),
]);
const Shape = z.strictObject({
  owner: z.string({ error: (issue) => (issue.input === undefined ? 'is required: who looks after it' : undefined) }),
  every: z.union([z.int(), z.string()]).optional(),
  format: z.enum(['jinja2', 'mustache']).optional(),
  store: Store.optional(),
  sources: z.array(Source).max(2).optional(),
  byName: z.record(z.string().regex(/^[a-z]+$/, 'must be lower-case'), z.strictObject({ pin: z.int() })).optional(),
});

test.each([
  ['owner: x', ''],
  ['{}', '1:1 owner: is required: who looks after it.'],
  ['owner:', '1:1 owner: is empty; it must be a text.'],
  ['owner: 3', '1:1 owner: must be a text, not 3.'],
  ['owner: x\nfromat: jinja2', '2:1 fromat: is not a known key. Did you mean format?'],
  ['owner: x\nzzz: 1', '2:1 zzz: is not a known key. Known here: owner, every, format, store, sources, byName.'],
  ['owner: x\nformat: jinja', '2:1 format: must be jinja2 or mustache, not "jinja". Did you mean jinja2?'],
  ['owner: x\nevery: 1.5', '2:1 every: must be a whole number or a text, not 1.5.'],
  ['owner: x\nevery: [1]', '2:1 every: must be a number or a text, not a list.'],
  ['owner: x\nstore: { url: u, clster: c }', '2:18 store.clster: is not a known key. Did you mean cluster?'],
  ['owner: x\nstore: {}', '2:1 store: needs path, or url.'],
  [
    'owner: x\nsources: [{ type: fiels, path: p }]',
    '2:13 sources[0].type: must be files or git, not "fiels". Did you mean files?',
  ],
  ['owner: x\nsources: [{ path: p }]', '2:11 sources[0].type: is required: files or git.'],
  ['owner: x\nsources: [{ type: git, share: 2 }]', '2:24 sources[0].share: must be at most 1.'],
  ['owner: x\nsources: [1, 2, 3]', '2:1 sources: must have at most 2 entries.'],
  ['owner: x\nbyName: { A: { pin: 1 } }', '2:11 byName.A: must be lower-case.'],
  [
    'owner: x\nbyName: { a: { pni: 1, pin: x } }',
    '2:16 byName.a.pni: is not a known key. Did you mean pin?\nf:2:24 byName.a.pin: must be a number, not "x".',
  ],
  ['- x', '1:1 must be a map of keys and values, not a list.'],
  [
    'a: b: c',
    '1:4 Nested mappings are not allowed in compact mappings. A text that holds ": " needs quotes or a | block.',
  ],
])('%j', (text, expected) => {
  const checked = checkShape(Shape, parseYaml(text, 'f'));
  expect(checked.ok ? '' : formatProblems(checked.problems)).toBe(expected === '' ? '' : `f:${expected}`);
});

test('field names', () => {
  expect(fieldName(['sources', 0, 'base_url'])).toBe('sources[0].base_url');
  expect(fieldName(['environments', 'production', 'support.a'])).toBe('environments.production["support.a"]');
});

test('the closest word is close, or there is none', () => {
  expect(closest('onwer', ['tags', 'owner'])).toBe('owner');
  expect(closest('base-url', ['base_url'])).toBe('base_url');
  expect(closest('x', ['owner', 'tags'])).toBeNull();
});
