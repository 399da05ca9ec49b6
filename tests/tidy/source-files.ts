/** Reads the project as text, for `tests/tidy.test.ts`: which files there are and what they import. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface TextFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** All files under version control that are text. */
export function trackedFiles(): readonly TextFile[] {
  const paths = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 }).split(
    '\0',
  );
  return paths
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

// `import x from 'y'`, `import 'y'`, `export … from 'y'`, over several lines too, and `import('y')`.
const STATIC = /^[ \t]*(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?(['"])([^'"\n]+)\1/gm;
const DYNAMIC = /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g;

/** What a module imports: paths from the project's root for our own files, names for packages. */
export function importsOf({ path, text }: TextFile): readonly string[] {
  const specifiers = [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)].map((match) => match[2] ?? '');
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
  );
}

/** Lines that are neither blank nor comment, counted as the linter counts them. */
export function codeLines(text: string): number {
  const withoutBlocks = text.replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''));
  return withoutBlocks.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}
