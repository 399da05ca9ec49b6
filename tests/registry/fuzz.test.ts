/** Whatever stands in the files: no crash, every problem has a file and a line, good files are registered. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { TEMPLATE_FORMATS } from '../../src/contract/prompt.ts';
import { crossCheck } from '../../src/registry/cross-check.ts';
import { includeSyntax } from '../../src/registry/includes.ts';
import { checkPins, readLockFile } from '../../src/registry/lockfile.ts';
import { readHistoricPrompt, readPromptFile } from '../../src/registry/prompt-file.ts';
import { decideRecords, NO_HISTORY } from '../../src/registry/records.ts';

const id = fc.constantFrom('a', 'shared.b', 'c/d');
const version = fc.constantFrom(1, 2, '1.5.0');
const reference = fc.tuple(id, version).map(([name, its]) => ({ name, key: `${name}@${its}` }));

/** A file as it should be; what it refers to may not exist, or be the file itself. */
const good = fc
  .record({
    id,
    version,
    format: fc.constantFrom(...TEMPLATE_FORMATS),
    references: fc.uniqueArray(reference, { maxLength: 2, selector: ({ name }) => name }),
    component: fc.boolean(),
    text: fc.constantFrom('Hi.', 'Two\nlines.\n', '{', '{{x}}'),
  })
  .map(({ references, text, format, ...file }) => ({
    ...file,
    parent: file.version === 1 ? undefined : 1,
    owner: 'team',
    model: 'm',
    tags: [],
    format,
    components: references.map(({ key }) => key),
    template: [text, ...references.map(({ name }) => includeSyntax(format, name))].join('\n'),
  }));

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    [],
    {},
    [null],
    [{}],
    undefined,
    '{% if',
    '@',
    1.5,
    'a@1',
    ['a@1', 'a@1'],
    [{ model: 'm', messages: [] }],
  ),
  fc.string({ maxLength: 5 }),
  fc.boolean(),
);
const field = fc.constantFrom(
  'id',
  'version',
  'parent',
  'owner',
  'model',
  'tags',
  'format',
  'components',
  'component',
  'template',
  'messages',
  'parameters',
  'extra',
);
/** Most files as they should be, some with a field or two of junk. */
const file = fc
  .tuple(
    good,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.dictionary(field, junk, { maxKeys: 2 }) },
    ),
  )
  .map(([value, changes]) => ({ ...value, ...changes }));

const pin = fc.record({
  version: fc.oneof(version, junk),
  hash: fc.constantFrom(`sha256:${'0'.repeat(64)}`, 'x', undefined),
});
const lock = fc.oneof(
  fc.record({
    environments: fc.dictionary(fc.constantFrom('p', 's', '!'), fc.dictionary(fc.oneof(id, fc.constant('zz')), pin)),
  }),
  fc.record({ environments: junk }),
  junk,
);

test('files and lockfiles made of anything', () => {
  let registered = 0;
  fc.assert(
    fc.property(fc.array(file, { maxLength: 6 }), lock, (files, lockValue) => {
      const texts = files.map((value) => stringify(value));
      const reads = texts.map((text, index) => readPromptFile(text, `${index}.yaml`));
      expect(reads.every(({ source, problems }) => (source === null) === problems.length > 0)).toBe(true);
      const sources = reads.flatMap(({ source }) => source ?? []);
      // What is good today can be read when it is history.
      const historic = texts.filter(
        (text, index) => reads[index]?.source !== null && readHistoricPrompt(text) === null,
      );
      expect(historic).toEqual([]);
      const records = decideRecords(NO_HISTORY, sources);
      registered += records.versions.length;
      const lockFile = readLockFile(stringify(lockValue) ?? '', 'lock.yaml');
      const problems = [
        ...reads.flatMap((read) => read.problems),
        ...crossCheck(sources, { records, broken: new Map(), isHistoryComplete: true }),
        ...lockFile.problems,
        ...checkPins(lockFile, records.versions, new Map()),
      ];
      expect(problems.filter((problem) => problem.file === '' || problem.line === undefined)).toEqual([]);
      expect(problems.filter(({ message }) => !message.endsWith('.'))).toEqual([]);
      const missing = sources.filter(
        ({ draft }) => !records.versions.some((known) => known.prompt === draft.id && known.version === draft.version),
      );
      expect(missing.length === 0 || problems.length > 0).toBe(true);
    }),
    { numRuns: 400 },
  );
  // Else this would only look at files that are refused.
  expect(registered).toBeGreaterThan(200);
});
