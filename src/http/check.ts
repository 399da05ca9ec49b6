/** What a request says, held against what its route wants; what is wrong is told field by field. */

import { z } from 'zod';
import { plainWords } from '../lib/problems.ts';
import { badRequest } from './problem.ts';

/** Throws a problem. `place` is what is named where the whole is wrong. */
export function check(schema: z.ZodType | undefined, value: unknown, place: string): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value, { error: wordsOf });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .flatMap(fieldIssues)
    .map(({ path, message }) => ({ field: path.join('.') || place, message }));
  throw badRequest(
    `The ${place} of the request is not right.`,
    errors,
    'GET /openapi.json describes what is expected.',
  );
}

/** Where the library's own words are for those who know it. */
function wordsOf(issue: z.core.$ZodRawIssue): string | undefined {
  return plainWords(issue) ?? undefined;
}

type Issue = Pick<z.core.$ZodIssue, 'path' | 'message'>;

/** Of what may have several forms: what is wrong with the one that it has, and not that it has none. */
function fieldIssues(issue: z.core.$ZodIssue): readonly Issue[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not known here' }));
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.filter(([first]) => first !== undefined && !isOfAnotherForm(first));
  const [only] = meant;
  if (only === undefined || meant.length > 1) return [issue];
  return only.flatMap(fieldIssues).map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}

function isOfAnotherForm({ code, path }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && path.length === 0;
}
