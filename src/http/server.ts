/** The HTTP API on its port: routes, keys, problem documents, limits. Knows no domain rule. */

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Component } from '../contract/component.ts';
import { Fault, isFault } from '../contract/fault.ts';
import { formatBytes } from '../lib/http.ts';
import { counter } from '../lib/instruments.ts';
import { settlesWithin } from '../lib/limits.ts';
import type { Api, EarlyApi } from './api.ts';
import { admit, assertSafeBinding, isOwnHost, isFromForeignPage, type Key } from './auth.ts';
import { check } from './check.ts';
import { openApiDocument } from './openapi.ts';
import { problem, ProblemError, problemOfFault, type Problem } from './problem.ts';
import { route, type AnyRoute, type RawRequest, type RouteAnswer, type RouteRequest } from './route.ts';
import { feedbackRoutes } from './routes/feedback.ts';
import { auditRoutes } from './routes/audit.ts';
import { baselineRoutes } from './routes/baselines.ts';
import { healthRoutes } from './routes/health.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { maintenanceRoutes } from './routes/maintenance.ts';
import { outputRoutes } from './routes/outputs.ts';
import { promptRoutes } from './routes/prompts.ts';
import { sqlRoutes } from './routes/sql.ts';
import { restoreRoutes } from './routes/restores.ts';
import { targetRoutes } from './routes/targets.ts';
import { timeMachineRoutes } from './routes/time-machine.ts';
import { trafficRoutes } from './routes/traffic.ts';
import { variableRoutes } from './routes/variables.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { mountWebPage } from './web.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** See `RouteRequest.actor`; set before the body is read. */
    actor: string;
    mayRead: boolean;
  }
}

export const API_ROUTES: readonly AnyRoute[] = [
  ...healthRoutes,
  ...promptRoutes,
  ...variableRoutes,
  ...targetRoutes,
  ...restoreRoutes,
  ...incidentRoutes,
  ...timeMachineRoutes,
  ...auditRoutes,
  ...trafficRoutes,
  ...feedbackRoutes,
  ...outputRoutes,
  ...baselineRoutes,
  ...sqlRoutes,
  ...webhookRoutes,
  ...maintenanceRoutes,
];

/** Largest request body; the largest use is a text to attribute. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
const PARAMETER_CHARACTERS_MAX = 1_000;

const countRequests = counter({
  name: 'plumbline.http.requests',
  description: 'Requests to the API by route and status: what is wrong or too large is refused with one from 400.',
});

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly keys: readonly Key[];
  /** Where people reach it, if not at this machine's own names. */
  readonly publicUrl: string | null;
  readonly version: string;
  /** Unexpected errors, for the log. */
  readonly onBug: (error: unknown, where: string) => void;
}

export class HttpServer implements Component {
  readonly name = 'http';
  readonly #server: FastifyInstance;
  readonly #options: HttpServerOptions;
  readonly #early: EarlyApi;
  /** What needs nothing but the early API. */
  readonly #earlyRoutes: ReadonlySet<AnyRoute>;
  #api: Api | null = null;

  constructor(early: EarlyApi, options: HttpServerOptions) {
    this.#options = options;
    this.#early = early;
    this.#server = fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      forceCloseConnections: 'idle',
      // Ids of prompts have up to 200 characters, each up to three when it is escaped.
      routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
      logger: false,
      // Of what no route is looked for, such as an address that is not encoded right.
      frameworkErrors: (error, request, reply) => void this.#fail(error, request, reply),
    });
    // What `fetch` calls a text unless it is told: to take it for one would only blame the fields.
    this.#server.removeContentTypeParser('text/plain');
    this.#server.decorateRequest('actor', '');
    this.#server.decorateRequest('mayRead', false);
    const document = openApiDocument(API_ROUTES, options.version);
    const describe = route({
      method: 'GET',
      path: '/openapi.json',
      summary: 'This description.',
      scope: 'public',
      answer: z.object({ openapi: z.string() }),
      handle: async () => ({ json: document }),
    });
    this.#server.addHook('onRequest', async (request, reply) => {
      if (!isOwnHost(request.headers.host, options.keys, options.publicUrl)) {
        await sendProblem(
          reply,
          problem(421, 'Misdirected request', `This daemon is not ${request.headers.host}.`, {
            hint: 'Ask it at localhost, set server.public_url, or configure keys.',
          }),
        );
        return;
      }
      // The handler would be asked when the body is parsed.
      if (request.is404) await sendMissing(request, reply);
    });
    this.#earlyRoutes = new Set([...healthRoutes, ...feedbackRoutes, describe]);
    for (const definition of [...API_ROUTES, describe]) this.#mount(definition);
    const sendPage = mountWebPage(this.#server);
    const sendMissing = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
      isTypedByAPerson(request) ? sendPage(request, reply) : sendNothingThere(request, reply);
    this.#server.setNotFoundHandler(sendMissing);
    this.#server.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
  }

  /** Base address once started, e.g. `http://127.0.0.1:7070`. */
  get address(): string {
    const address = this.#server.server.address();
    if (address === null || typeof address === 'string') throw new Error('The HTTP server is not listening.');
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** From now on every route answers; before, all but those of health and feedback are told `notYet`. */
  serve(api: Api): void {
    this.#api = api;
  }

  async start(): Promise<void> {
    assertSafeBinding(this.#options.host, this.#options.keys);
    const { host, port } = this.#options;
    try {
      await this.#server.listen({ host, port });
    } catch (error) {
      throw listenFault(error, host, port);
    }
  }

  /** Requests are answered for as long; those that take longer are cut off. */
  async stop(deadlineMs: number): Promise<void> {
    const closing = this.#server.close();
    if (await settlesWithin(closing, deadlineMs)) return;
    this.#server.server.closeAllConnections();
    await closing;
  }

  #mount(definition: AnyRoute): void {
    if (definition.rawBodyBytesMax === undefined) {
      this.#mountOn(this.#server, definition);
      return;
    }
    void this.#server.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
      this.#mountOn(scope, definition);
      done();
    });
  }

  #mountOn(server: FastifyInstance, definition: AnyRoute): void {
    server.route({
      ...(definition.rawBodyBytesMax === undefined ? {} : { bodyLimit: definition.rawBodyBytesMax }),
      method: definition.method,
      url: definition.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      onRequest: (request, reply, next) => {
        const refusal = this.#refusalByHead(definition, request, reply);
        if (refusal !== null) sendProblem(reply, refusal);
        else if (this.#api === null && !this.#earlyRoutes.has(definition)) next(this.#early.notYet(request.mayRead));
        else next();
      },
      onResponse: (_request, reply, done) => {
        countRequests(1, { route: `${definition.method} ${definition.path}`, status: String(reply.statusCode) });
        done();
      },
      handler: async (request, reply) => {
        const checked = checkRequest(definition, request, reply);
        // Early routes are typed to use no more of it.
        const api = (this.#api ?? this.#early) as Api;
        return sendAnswer(reply, await definition.handle(checked as RouteRequest<never, never, never>, api));
      },
    });
  }

  /** Before the body is read: parsing one takes time and memory, which are not there for everybody. */
  #refusalByHead(definition: AnyRoute, request: FastifyRequest, reply: FastifyReply): Problem | null {
    const admission = admit(definition.scope, request.headers.authorization, this.#options.keys);
    if (!admission.allowed) {
      if (admission.status === 401) void reply.header('www-authenticate', 'Bearer');
      const title = admission.status === 401 ? 'Unauthorised' : 'Forbidden';
      return problem(admission.status, title, admission.detail, { hint: admission.hint });
    }
    if (definition.method === 'POST' && isFromForeignPage(request.headers['sec-fetch-site'])) {
      return problem(403, 'Forbidden', "Another site's page sent this.", {
        hint: 'Open the page of this daemon itself.',
      });
    }
    request.actor = admission.actor;
    request.mayRead = admit('read', request.headers.authorization, this.#options.keys).allowed;
    return null;
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (error instanceof ProblemError) return sendProblem(reply, error.problem);
    if (isFault(error)) {
      if (error.retryAfterMs !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
      return sendProblem(reply, problemOfFault(error));
    }
    const status =
      error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status < 500)
      return sendProblem(
        reply,
        problem(
          status,
          'Bad request',
          error instanceof Error ? error.message : 'The request can’t be read.',
          hintOf(status),
        ),
      );
    this.#options.onBug(error, `${request.method} ${request.url}`);
    return sendProblem(
      reply,
      problem(500, 'A bug', 'Something unexpected happened.', { hint: "The daemon's log has the details." }),
    );
  }
}

function hintOf(status: number): { readonly hint?: string } {
  if (status === 415) return { hint: 'Send JSON, with the header content-type: application/json.' };
  if (status === 413) return { hint: `A body has at most ${formatBytes(BODY_BYTES_MAX)}: send less at once.` };
  return {};
}

function checkRequest(
  definition: AnyRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): RouteRequest<unknown, unknown, unknown> {
  return {
    params: check(definition.params, request.params, 'path'),
    query: check(definition.query, request.query, 'query'),
    body: check(definition.body, request.body ?? {}, 'body'),
    raw: definition.rawBodyBytesMax === undefined ? NOTHING : rawRequest(request),
    actor: request.actor,
    mayRead: request.mayRead,
    gone: () => goneBeforeAnswer(reply),
  };
}

function goneBeforeAnswer(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Fault('transient', 'Whoever asked hung up.'));
  });
  return controller.signal;
}

const NOTHING: RawRequest = { headers: {}, query: {}, body: new Uint8Array() };

function rawRequest(request: FastifyRequest): RawRequest {
  return {
    headers: singleValues(request.headers),
    query: singleValues(request.query as Readonly<Record<string, string | string[]>>),
    body: request.body instanceof Uint8Array ? request.body : NOTHING.body,
  };
}

function singleValues(
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const single = Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]);
  return Object.fromEntries(single) as Readonly<Record<string, string | undefined>>;
}

function sendAnswer(reply: FastifyReply, answer: RouteAnswer): FastifyReply {
  void reply.code(answer.status ?? 200);
  if ('json' in answer) return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.json));
  return reply.type(answer.contentType).send(typeof answer.text === 'string' ? answer.text : Buffer.from(answer.text));
}

/** Into a browser's address bar, where a problem document leads nowhere. */
function isTypedByAPerson({ method, url, headers }: FastifyRequest): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true && !/^\/(?:api|assets)\//.test(url);
}

function sendNothingThere(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(
    reply,
    problem(404, 'Not found', `${request.method} ${request.url} does not exist.`, {
      hint: 'GET /openapi.json describes what does.',
    }),
  );
}

function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  return reply.code(body.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(body));
}

function listenFault(error: unknown, host: string, port: number): Fault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new Fault('config', `Port ${port} on ${host} is already in use.`, {
      hint: 'Stop what uses it, or choose another with --port (0 picks a free one).',
      cause: error,
    });
  }
  return new Fault(
    'config',
    `Can't listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}.`,
    {
      hint: 'Check server.host and the port in plumbline.yaml.',
      cause: error,
    },
  );
}
