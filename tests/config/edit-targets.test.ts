import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { addTargets, targetsYaml, type TargetEntry } from '../../src/config/edit-targets.ts';

const ONE: TargetEntry = { prompt: 'a.b', path: './x y: z.txt' };
const example = readFileSync(join(import.meta.dirname, '../../examples/quickstart/plumbline.yaml'), 'utf8');

describe('addTargets', () => {
  test.each([
    ['below the last target', 'sources:\n  - name: x\n    targets:\n      - { prompt: o }   # old\n\n# end\n', 4],
    ['to a source without targets', 'sources:\n  - name: x # mine\n    type: files\n\n  # next\n  - name: y\n', 3],
    ['to lists that are not indented', 'sources:\n- name: x\n  targets:\n  - prompt: o\n    path: p\n- name: y\n', 5],
    ['at the end of a file without a last line end', 'sources:\n  - name: x\n    targets:\n      - { prompt: o }', 4],
  ])('adds lines %s, and touches no other', (_where, text, line) => {
    const before = text.trimEnd().split('\n');
    const after = addTargets(text, 'x', [ONE]).trimEnd().split('\n');
    const added = after.length - before.length;
    expect(after.toSpliced(line, added)).toEqual(before);
    expect(after.slice(line, line + added).join('\n')).toContain('- { prompt: a.b, path: "./x y: z.txt" }');
  });

  test.each([
    ['an empty list', 'a: 1 # one\nsources:\n  - name: x\n    targets: [] # none yet\n    type: files\n'],
    ['a list in flow form', 'sources:\n  - name: x\n    targets: [{ prompt: o }]\n# end\n'],
    ['a source in flow form', 'sources: [{ name: y }, { name: x, type: files }]\n'],
  ])('means the same in %s', (_form, text) => {
    const before = parse(text);
    const added = addTargets(text, 'x', [ONE]);
    const source = before.sources.find((entry: any) => entry.name === 'x');
    source.targets = [...(source.targets ?? []), ONE];
    expect(parse(added)).toEqual(before);
    for (const [comment] of text.matchAll(/#.*/g)) expect(added).toContain(comment);
  });

  test('whatever a target says, it is read back so, and every old line is still there', () => {
    const name = JSON.stringify(parse(example).sources[0].name);
    const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
    const target = fc.record({ prompt: fc.string({ minLength: 1 }), key: value, nested: fc.array(value) });
    fc.assert(
      fc.property(fc.array(target, { minLength: 1, maxLength: 4 }), (targets) => {
        const text = addTargets(example, JSON.parse(name), targets);
        const expected = parse(example);
        expected.sources[0].targets.push(...targets);
        expect(parse(text)).toEqual(expected);
        const lines = new Set(text.split('\n'));
        expect(example.split('\n').filter((line) => !lines.has(line))).toEqual([]);
        expect(parse(targetsYaml(targets))).toEqual(targets);
      }),
      { numRuns: 200 },
    );
  });

  test('refuses a source that is not there', () => {
    expect(() => addTargets('sources: []\n', 'x', [ONE])).toThrow(/no source x/);
  });
});
