/** What is wrong between prompt files: twice the same version, components, circles, parents, changed content. Pure. */

import { closest } from '../lib/closest.ts';
import { didYouMean, fieldName, oneOf, type Problem } from '../lib/problems.ts';
import type { YamlPath } from '../lib/yaml.ts';
import { findCycles, type Cycle } from './components.ts';
import { versionKey, type PromptSource } from './draft.ts';
import type { CurrentFile, Records } from './records.ts';
import { compareVersions } from './version-order.ts';

export interface KnownVersions {
  readonly records: Records;
  /** Ids of files that can't be read, with the file: who names them is not wrong for that. */
  readonly broken: ReadonlyMap<string, string>;
  /** False when older versions may exist that nobody can see: then a missing one proves nothing. */
  readonly isHistoryComplete: boolean;
}

export function crossCheck(sources: readonly PromptSource[], known: KnownVersions): Problem[] {
  const index = indexOf(sources, known);
  const direct = [
    ...duplicateProblems(sources),
    ...sources.flatMap((source) => componentProblems(source, known, index)),
    ...findCycles(referencesOf(sources)).map((cycle) => cycleProblem(cycle, index)),
    ...sources.flatMap((source) => parentProblems(source, known, index)),
  ];
  const filesWithProblems = new Set(direct.map(({ file }) => file));
  const isExplained = (source: PromptSource): boolean =>
    withComponents(source, index).some(({ document }) => filesWithProblems.has(document.file));
  return [...direct, ...known.records.current.flatMap((file) => recordProblems(file, isExplained))];
}

interface Index {
  readonly sources: ReadonlyMap<string, PromptSource>;
  /** Of every known version, today's and committed: whether it is a component. */
  readonly isComponent: ReadonlyMap<string, boolean>;
  readonly versionsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

function indexOf(sources: readonly PromptSource[], { records }: KnownVersions): Index {
  const isComponent = new Map<string, boolean>();
  const versionsOf = new Map<string, Set<string>>();
  const add = (id: string, version: string, component: boolean): void => {
    isComponent.set(versionKey(id, version), component);
    versionsOf.set(id, (versionsOf.get(id) ?? new Set()).add(version));
  };
  for (const { prompt, version, isComponent: component } of records.versions) add(prompt, version, component);
  for (const { draft } of sources) add(draft.id, draft.version, draft.isComponent);
  return { sources: new Map(sources.map((source) => [keyOf(source), source])), isComponent, versionsOf };
}

/** The file itself and those of all components it holds, as far as they are files of today. */
function withComponents(start: PromptSource, { sources }: Index): readonly PromptSource[] {
  const reached = new Set([start]);
  for (const { draft } of reached) {
    for (const { id, version } of draft.components) {
      const component = sources.get(versionKey(id, version));
      // A set that grows while it is walked is walked to its end.
      if (component !== undefined) reached.add(component);
    }
  }
  return [...reached];
}

function problem(source: PromptSource, path: YamlPath, field: string, message: string, hint?: string): Problem {
  const { document } = source;
  return { file: document.file, ...document.locate(path), field, message, ...(hint === undefined ? {} : { hint }) };
}

function keyOf({ draft }: PromptSource): string {
  return versionKey(draft.id, draft.version);
}

function duplicateProblems(sources: readonly PromptSource[]): Problem[] {
  const first = new Map<string, PromptSource>();
  return sources.flatMap((source) => {
    const key = keyOf(source);
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, source);
      return [];
    }
    const { file } = other.document;
    const message = `is ${source.draft.id} version ${source.draft.version}, which ${file}:${other.document.locate(['id']).line} is already.`;
    return [problem(source, ['id'], 'id', message, 'Give one of them another id or another version.')];
  });
}

function componentProblems(source: PromptSource, known: KnownVersions, { isComponent, versionsOf }: Index): Problem[] {
  return source.draft.components.flatMap((reference, index) => {
    const path = ['components', index];
    const field = `components[${index}]`;
    const key = versionKey(reference.id, reference.version);
    const kind = isComponent.get(key);
    if (kind === true) return [];
    if (kind === false) {
      const hint = 'Only a file with component: true can be included.';
      return [problem(source, path, field, `names ${key}, which is a prompt.`, hint)];
    }
    const broken = known.broken.get(reference.id);
    if (broken !== undefined) {
      return [
        problem(source, path, field, `names ${key}, and ${broken} can't be used until its own problems are solved.`),
      ];
    }
    const versions = versionsOf.get(reference.id);
    if (versions !== undefined) {
      const list = oneOf([...versions].toSorted(compareVersions));
      return [
        problem(
          source,
          path,
          field,
          `names ${key}, but ${reference.id} has no version ${reference.version}; it has ${list}.`,
        ),
      ];
    }
    const guess = closest(reference.id, versionsOf.keys());
    return [
      problem(
        source,
        path,
        field,
        `names ${key}, which does not exist.`,
        guess === null ? undefined : didYouMean(guess),
      ),
    ];
  });
}

function referencesOf(sources: readonly PromptSource[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    sources.map((source) => [keyOf(source), source.draft.components.map(({ id, version }) => versionKey(id, version))]),
  );
}

function cycleProblem(cycle: Cycle, { sources }: Index): Problem {
  const [start = ''] = cycle;
  const next = cycle[1] ?? start;
  const source = sources.get(start);
  const chain = [...cycle, start].join(' → ');
  const message = `include each other in a circle: ${chain}.`;
  if (source === undefined) return { file: '', field: 'components', message };
  const index = source.draft.components.findIndex(({ id, version }) => versionKey(id, version) === next);
  return problem(source, ['components', index], `components[${index}]`, message, 'Take one of these references out.');
}

function parentProblems(source: PromptSource, known: KnownVersions, { versionsOf }: Index): Problem[] {
  const { id, version, parent } = source.draft;
  const others = [...(versionsOf.get(id) ?? [])].filter((other) => other !== version);
  const older = others.filter((other) => compareVersions(other, version) < 0).toSorted(compareVersions);
  if (parent === null) {
    const isFirst = older.length === 0 && !/^[2-9]\d*$|^1\d+$/.test(version);
    if (isFirst) return [];
    const guess = older.at(-1) ?? (/^\d+$/.test(version) ? String(Number(version) - 1) : 'VERSION');
    return [
      problem(
        source,
        ['version'],
        'parent',
        `is required from the second version on, and this is ${version}.`,
        `Write the version it was made from, e.g. parent: ${guess}.`,
      ),
    ];
  }
  if (compareVersions(parent, version) >= 0) {
    return [
      problem(source, ['parent'], 'parent', `must be older than the version itself (${version}), not ${parent}.`),
    ];
  }
  // A prompt that was brought in from elsewhere may have left its first versions there.
  if (!known.isHistoryComplete || others.length === 0 || others.includes(parent)) return [];
  const list = oneOf(others.toSorted(compareVersions));
  return [problem(source, ['parent'], 'parent', `names version ${parent}, which ${id} never had; it has ${list}.`)];
}

function recordProblems(file: CurrentFile, isExplained: (source: PromptSource) => boolean): Problem[] {
  const { source, state, reason } = file;
  const { id, version, components } = source.draft;
  if (state === 'tampered') {
    const message = `${version} of ${id} is already registered${reason ?? ''}, with other content.`;
    const hint = 'A version never changes: raise the version, and name this one as parent.';
    return [problem(source, ['version'], 'version', message, hint)];
  }
  if (state !== 'cannot_expand' || isExplained(source)) return [];
  const index = components.findIndex(({ id: component, version: its }) =>
    reason?.startsWith(versionKey(component, its)),
  );
  const path = index === -1 ? ['components'] : ['components', index];
  return [problem(source, path, fieldName(path), `can not be filled in: ${reason}.`)];
}
