/** An HTTP API as a plugin sees it: one base address, one set of credentials, answers in promised shapes. */

import type { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { hostOf } from '../../src/lib/http.ts';
import { askJson, shaped, wordsOf, type JsonRequest } from './ask-json.ts';

export interface Question {
  readonly method?: string;
  /** Values that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For APIs that say with another status than 404 that there is no such thing. */
  readonly absentStatus?: number;
  readonly signal: AbortSignal;
}

/** An answer that is not what was asked for, told apart so that nobody takes it for one. */
export type Found<Shape> =
  | { readonly outcome: 'ok'; readonly value: Shape; readonly headers: Headers }
  | { readonly outcome: 'absent'; readonly words: string }
  | { readonly outcome: 'conflict'; readonly words: string }
  | { readonly outcome: 'unchanged' };

export class Api {
  readonly host: string;
  readonly #base: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(fetch: typeof globalThis.fetch, baseUrl: string, headers: Readonly<Record<string, string>> = {}) {
    this.#fetch = fetch;
    this.#base = baseUrl.replace(/\/+$/, '');
    this.#headers = headers;
    this.host = hostOf(this.#base);
  }

  /** Where something is, for people. */
  addressOf(path: string): string {
    return this.#base + path;
  }

  /** Every answer that the API gives on purpose. Throws a `Fault` for the rest. */
  async ask<Shape>(schema: z.ZodType<Shape>, path: string, question: Question): Promise<Found<Shape>> {
    const url = this.#url(path, question.query ?? {});
    const request: JsonRequest = {
      signal: question.signal,
      headers: { ...this.#headers, ...question.headers },
      ...(question.method === undefined ? {} : { method: question.method }),
      ...(question.body === undefined ? {} : { body: question.body }),
      ...(question.absentStatus === undefined ? {} : { absentStatus: question.absentStatus }),
    };
    const answer = await askJson(this.#fetch, url, request);
    if (answer.outcome === 'unchanged') return answer;
    if (answer.outcome !== 'ok') return { outcome: answer.outcome, words: wordsOf(answer.value) };
    return { outcome: 'ok', value: shaped(schema, answer.value, url), headers: answer.headers };
  }

  /** Null when the API itself says that there is no such thing. */
  async find<Shape>(schema: z.ZodType<Shape>, path: string, question: Question): Promise<Shape | null> {
    const answer = await this.ask(schema, path, question);
    if (answer.outcome === 'ok') return answer.value;
    if (answer.outcome === 'absent') return null;
    throw this.#unexpected(path, answer);
  }

  /** For what must be there: a list, or the answer to a write. */
  async get<Shape>(schema: z.ZodType<Shape>, path: string, question: Question): Promise<Shape> {
    const answer = await this.ask(schema, path, question);
    if (answer.outcome === 'ok') return answer.value;
    throw this.#unexpected(path, answer);
  }

  #url(path: string, query: NonNullable<Question['query']>): string {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.append(name, String(value));
    }
    return url.href;
  }

  #unexpected(path: string, answer: Exclude<Found<unknown>, { outcome: 'ok' }>): Fault {
    const words = 'words' in answer && answer.words !== '' ? ` (${answer.words})` : '';
    if (answer.outcome === 'absent') {
      return new Fault('permanent', `${this.host} has nothing at ${path}${words}.`, {
        hint: 'Check the address and the names.',
      });
    }
    return new Fault('permanent', `${this.host} answered ${answer.outcome} at ${path}${words}.`);
  }
}

/** `Basic` credentials. */
export function basicAuth(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
