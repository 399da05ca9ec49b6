/** An HTTP API as a plugin sees it: one base address, one set of credentials, answers in promised shapes. */

import type { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { hostOf } from '../../src/lib/http.ts';
import { askJson, shaped, wordsOf, type JsonAnswer, type JsonRequest } from './ask-json.ts';

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

/**
 * How the API's own 404 is told from that of a gateway, a load balancer or a wrong address, which may be JSON as well:
 * by what it says, where that is certain, or because something that must be there is found.
 */
export type Absence =
  | { readonly says: z.ZodType }
  | { readonly besides: string; readonly question?: Omit<Question, 'signal'> };

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
  readonly #absence: Absence;

  constructor(
    fetch: typeof globalThis.fetch,
    baseUrl: string,
    headers: Readonly<Record<string, string>>,
    absence: Absence,
  ) {
    this.#absence = absence;
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
    const { answer, url } = await this.#answer(path, question);
    if (answer.outcome === 'unchanged') return answer;
    if (answer.outcome === 'absent') await this.#assertIsAbsent(answer.value, question.signal);
    if (answer.outcome !== 'ok') return { outcome: answer.outcome, words: wordsOf(answer.value) };
    return { outcome: 'ok', value: shaped(schema, answer.value, url), headers: answer.headers };
  }

  async #answer(path: string, question: Question): Promise<{ readonly answer: JsonAnswer; readonly url: string }> {
    const url = this.#url(path, question.query ?? {});
    const request: JsonRequest = {
      signal: question.signal,
      headers: { ...this.#headers, ...question.headers },
      ...(question.method === undefined ? {} : { method: question.method }),
      ...(question.body === undefined ? {} : { body: question.body }),
      ...(question.absentStatus === undefined ? {} : { absentStatus: question.absentStatus }),
    };
    return { answer: await askJson(this.#fetch, url, request), url };
  }

  /** Throws a `Fault` where the 404 says nothing about what was asked for. */
  async #assertIsAbsent(said: unknown, signal: AbortSignal): Promise<void> {
    const words = wordsOf(said) === '' ? '' : ` (${wordsOf(said)})`;
    const hint = 'A gateway that has lost its way answers like that, and a wrong address.';
    if ('says' in this.#absence) {
      if (this.#absence.says.safeParse(said).success) return;
      throw new Fault('permanent', `${this.host} answered 404, and not as this API does${words}.`, { hint });
    }
    const { besides, question = {} } = this.#absence;
    const { answer } = await this.#answer(besides, { ...question, signal });
    if (answer.outcome === 'ok') return;
    throw new Fault('permanent', `${this.host} answers 404 also to ${besides}, which must be there${words}.`, { hint });
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
    const { answer, url } = await this.#answer(path, question);
    if (answer.outcome === 'ok') return shaped(schema, answer.value, url);
    throw this.#unexpected(path, answer);
  }

  #url(path: string, query: NonNullable<Question['query']>): string {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.append(name, String(value));
    }
    return url.href;
  }

  #unexpected(path: string, answer: Exclude<JsonAnswer | Found<unknown>, { outcome: 'ok' }>): Fault {
    const said = 'words' in answer ? answer.words : 'value' in answer ? wordsOf(answer.value) : '';
    const words = said === '' ? '' : ` (${said})`;
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
