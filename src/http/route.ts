/**
 * One route of the HTTP API, as data: the same definition checks the request, guards the scope and
 * writes `/openapi.json`.
 */

import { z } from 'zod';
import type { Api } from './api.ts';

/** What a key must allow. `public` needs no key. */
export type Scope = 'public' | 'ingest' | 'read' | 'operate' | 'admin';

/** What a signature covers, or what stands in for one. Header names are lower case. */
export interface RawRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface RouteRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The request as it came, for a route with `rawBodyBytesMax`; empty for others. */
  readonly raw: RawRequest;
  /** Name of the key that was used, or `local` when no keys are configured. For the history. */
  readonly actor: string;
  /** A key with the scope `read` came along, or none are configured: for what a public route tells to some only. */
  readonly mayRead: boolean;
  /** Aborts when the asker hangs up before it has its answer. */
  readonly gone: () => AbortSignal;
}

export interface RouteDefinition<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'GET' | 'POST';
  /** With `{name}` for parameters, as in OpenAPI. */
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** What it answers, for the description: JSON of this form, text of that type, or either as the request says. */
  readonly answer:
    | z.ZodType
    | { readonly contentType: string }
    | { readonly json: z.ZodType; readonly otherTypes: readonly string[] };
  /** The statuses of that answer, where they are not 200 alone. */
  readonly statuses?: readonly number[];
  /** The body is not parsed but handed over as bytes, at most so many. */
  readonly rawBodyBytesMax?: number;
  handle(request: RouteRequest<Params, Query, Body>, api: Api): Promise<RouteAnswer>;
}

/** JSON, or what is ready as another type. */
export type RouteAnswer =
  | { readonly json: unknown; readonly status?: number }
  | { readonly text: string | Uint8Array; readonly contentType: string; readonly status?: number };

/** A route with its types erased, so that routes fit one list. */
export type AnyRoute = RouteDefinition<never, never, never>;

/** Keeps the three types of a definition together; use it for every route. */
export function route<Params, Query, Body>(definition: RouteDefinition<Params, Query, Body>): AnyRoute {
  return definition as unknown as AnyRoute;
}
