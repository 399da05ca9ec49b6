/** Asks an HTTP API for JSON, and tells a true answer from everything else that may come back. */

import type { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { hostOf, statusFault } from '../../src/lib/http.ts';

export type JsonAnswer =
  | { readonly outcome: 'ok'; readonly value: unknown; readonly headers: Headers }
  | { readonly outcome: 'unchanged' }
  /** Something, perhaps the API itself, says in JSON that there is no such thing. */
  | { readonly outcome: 'absent'; readonly status: number; readonly value: unknown }
  /** A compare-and-set that lost: 409 or 412. */
  | { readonly outcome: 'conflict'; readonly value: unknown };

export interface JsonRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Besides 404, as absent. */
  readonly absentStatus?: number;
  readonly signal: AbortSignal;
}

const DETAIL_CHARACTERS_MAX = 200;

/**
 * Throws a `Fault` for any other status, and for a body that is not JSON. A 404 that is not JSON
 * comes from a proxy or a wrong address: that is a failure, not the absence of a prompt. So may one that is
 * JSON; who asks has to make sure.
 */
export async function askJson(fetch: typeof globalThis.fetch, url: string, request: JsonRequest): Promise<JsonAnswer> {
  const { method = 'GET', headers = {}, body, absentStatus = 404, signal } = request;
  const response = await fetch(url, {
    method,
    signal,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 304) {
    if (Object.hasOwn(headers, 'if-none-match')) return { outcome: 'unchanged' };
    throw new Fault('transient', `${hostOf(url)} answered 304 to a question without a condition.`, {
      hint: 'A cache in between answers like that.',
    });
  }
  if (response.ok) return { outcome: 'ok', value: await jsonOf(url, response), headers: response.headers };
  if (response.status === 409 || response.status === 412)
    return { outcome: 'conflict', value: await detailOf(response) };
  const detail = await detailOf(response);
  if ([404, absentStatus].includes(response.status) && detail !== null) {
    return { outcome: 'absent', status: response.status, value: detail };
  }
  throw statusFault(url, response, wordsOf(detail));
}

async function jsonOf(url: string, response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const looksLikeHtml = /^\s*</.test(text);
    throw new Fault(
      'transient',
      `${hostOf(url)} answered with ${looksLikeHtml ? 'HTML' : 'something that is not JSON'}.`,
      {
        hint: looksLikeHtml
          ? 'A login page, a proxy or a wrong address answers like that.'
          : 'The answer may have been cut.',
      },
    );
  }
}

/** The JSON of an answer that is not a success, or null when it has none. */
async function detailOf(response: Response): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await response.text());
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** What an error body says for people, wherever APIs usually put it. */
export function wordsOf(detail: unknown): string {
  if (typeof detail === 'string') return detail.replaceAll(/\s+/g, ' ').slice(0, DETAIL_CHARACTERS_MAX);
  if (typeof detail !== 'object' || detail === null) return '';
  const fields = detail as Readonly<Record<string, unknown>>;
  for (const name of ['message', 'Message', 'detail', 'error_description', 'error', 'errors', 'title']) {
    const words = wordsOf(fields[name]);
    if (words !== '') return words;
  }
  return Array.isArray(detail) ? wordsOf(detail[0]) : '';
}

/** An answer in the shape that was promised. Throws a `Fault` that names the first field that is not. */
export function shaped<Shape>(schema: z.ZodType<Shape>, value: unknown, url: string): Shape {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  throw new Fault(
    'transient',
    `${hostOf(url)} answered with an unexpected ${field === '' ? 'document' : field}: ${issue?.message ?? ''}.`,
  );
}
