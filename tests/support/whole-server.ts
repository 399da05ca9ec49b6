/** The HTTP server of a daemon that has all its parts. */

import type { Api, EarlyApi } from '../../src/http/api.ts';
import { HttpServer, type HttpServerOptions } from '../../src/http/server.ts';

const unused = (): never => {
  throw new Error('Nobody asks early.');
};
const EARLY: EarlyApi = { status: unused, metrics: unused, takeFeedback: unused, notYet: unused };

/** `api`: as much of it as the test asks for. */
export function wholeServer(api: Partial<Api>, options: HttpServerOptions): HttpServer {
  const server = new HttpServer(EARLY, options);
  server.serve(api as Api);
  return server;
}
