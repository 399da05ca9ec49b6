/** Errors as RFC 9457 problem documents that say what to do. */

import type { Fault, FaultKind } from '../contract/fault.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** What to do next. */
  readonly hint?: string;
  /** One entry per wrong field. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** Thrown by a route to answer with a problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  constructor(document: Problem) {
    super(document.detail);
    this.problem = document;
  }
}

export function problem(
  status: number,
  title: string,
  detail: string,
  extra: Partial<Pick<Problem, 'hint' | 'errors'>> = {},
): Problem {
  return { type: 'about:blank', title, status, detail, ...extra };
}

export function notFound(what: string, hint: string): ProblemError {
  return new ProblemError(problem(404, 'Not found', `${what} does not exist.`, { hint }));
}

export function badRequest(
  detail: string,
  errors: readonly { readonly field: string; readonly message: string }[],
  hint?: string,
): ProblemError {
  return new ProblemError(problem(400, 'Bad request', detail, hint === undefined ? { errors } : { errors, hint }));
}

const STATUS_OF_FAULT: Readonly<Record<FaultKind, number>> = {
  config: 422,
  permanent: 409,
  transient: 503,
  overloaded: 503,
};
const TITLE_OF_FAULT: Readonly<Record<FaultKind, string>> = {
  config: 'Not possible with this configuration',
  permanent: 'Refused',
  transient: 'Not possible right now',
  overloaded: 'Overloaded',
};

export function problemOfFault(fault: Fault): Problem {
  if (fault.field !== undefined)
    return badRequest(fault.message, [{ field: fault.field, message: 'is not right' }], fault.hint).problem;
  return problem(
    STATUS_OF_FAULT[fault.kind],
    TITLE_OF_FAULT[fault.kind],
    fault.message,
    fault.hint === undefined ? {} : { hint: fault.hint },
  );
}
