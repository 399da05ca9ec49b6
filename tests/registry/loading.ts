/** A registry of one prompt, its history, and what came of loading it, in lines that tests can compare. */

import { loadRegistry, type LoadedRegistry } from '../../src/registry/load.ts';
import { displayBody } from '../../src/text/body.ts';
import type { FixtureCommit } from './git-fixture.ts';

export const DAY = 86_400;
export const START = 1_767_225_600; // 2026-01-01T00:00:00Z

export function prompt(version: number | string, text: string, more = ''): string {
  const parent = version === 1 ? '' : `parent: ${Number(version) - 1}\n`;
  return `id: support.a\nversion: ${version}\n${parent}owner: team\nmodel: m\ntags: []\n${more}template: |\n  ${text}\n`;
}

export function load(directory: string, root = 'prompts', previous?: LoadedRegistry): Promise<LoadedRegistry> {
  const signal = new AbortController().signal;
  return loadRegistry(
    { roots: [{ files: root }], lockFile: 'prompts.lock.yaml', baseDirectory: directory, signal },
    previous,
  );
}

export function summary(loaded: LoadedRegistry): string[] {
  return loaded.snapshot.versions.map(({ prompt: id, version, variants, registeredAt, author }) => {
    const text = displayBody(variants[0].body).trim();
    return `${id}@${version} ${text} | ${registeredAt?.slice(0, 10)} ${author?.split(' ')[0]}`;
  });
}

export function tampering(loaded: LoadedRegistry): string[] {
  return loaded.tampered.map(({ prompt: id, version, changed, stillThere, first, later }) => {
    const show = ({ variants, author, origin }: typeof first): string =>
      `${displayBody(variants[0].body).trim()} by ${author?.split(' ')[0]} in ${origin.commit === undefined ? 'no commit' : 'a commit'}`;
    return `${id}@${version} ${changed.join()}: ${show(first)}, then ${show(later)}, ${stillThere ? 'still there' : 'gone'}`;
  });
}

export const BY_BOB = 'Bob <bob@example.com>';
export const PATH = 'prompts/a.yaml';

export const THREE_VERSIONS: readonly FixtureCommit[] = [
  { files: { [PATH]: prompt(1, 'One.') }, at: START },
  { files: { [PATH]: prompt(2, 'Two.'), 'README.md': 'x' }, at: START + DAY, author: BY_BOB },
  { files: { [PATH]: prompt(3, 'Three.') }, at: START + 2 * DAY },
];
