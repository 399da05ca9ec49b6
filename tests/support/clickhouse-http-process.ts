/**
 * ClickHouse's HTTP interface in front of the embedded engine, as a process of its own, because one
 * process holds one data directory. What `@clickhouse/client` uses of it is here, from the published
 * description of the interface; it shares no code with `src/store/`. Started by `clickhouse-http.ts`.
 *
 * Arguments: data directory, user, password, port.
 */

import { Session, version } from 'chdb';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';

const [directory = '', user = 'default', password = '', port = '0'] = process.argv.slice(2);

/** What the test asked the next requests to do; see `ClickHouseHttp`. */
let trouble: { times: number; status: number; body: string; code?: number } | null = null;
let hungUp = false;
let exhausting: string | null = null;

interface Order {
  readonly trouble?: typeof trouble;
  readonly hungUp?: boolean;
  readonly exhausting?: string | null;
}

process.on('message', (message: Order) => {
  if (message.trouble !== undefined) trouble = message.trouble;
  if (message.hungUp !== undefined) hungUp = message.hungUp;
  if (message.exhausting !== undefined) exhausting = message.exhausting;
  process.send?.({ done: true });
});
process.on('disconnect', () => process.exit(0));

class HttpError extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, text: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

interface Statement {
  readonly sql: string;
  readonly data: Buffer | null;
  readonly format: string;
  readonly database: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
}

/** URL parameters that belong to the interface; all others are settings. */
const INTERFACE_PARAMETERS: ReadonlySet<string> = new Set([
  'query',
  'database',
  'default_format',
  'user',
  'password',
  'quota_key',
  'session_id',
  'session_timeout',
  'session_check',
  'query_id',
  'role',
  'compress',
  'decompress',
  'buffer_size',
  'wait_end_of_query',
  'close_session',
  'stacktrace',
]);
/** Settings of the interface itself: the embedded engine has none of it, so it does not know them. */
const HTTP_SETTINGS = /^(enable_http_compression|http_|send_progress_in_http_headers)/;

// The first session holds the engine open; each request then gets its own, like a connection to a server.
const keeper = new Session(directory, { connectionArgs: [] });

const server = createServer((request, response) => {
  if (hungUp) {
    request.socket.destroy();
    return;
  }
  void answer(request, response).catch((error: unknown) => fail(response, error));
});
server.keepAliveTimeout = 10_000;
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/ping' || (url.pathname === '/' && url.search === '' && request.method === 'GET')) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=UTF-8' }).end('Ok.\n');
    return;
  }
  if (trouble !== null && trouble.times > 0) {
    trouble.times--;
    const headers = trouble.code === undefined ? {} : { 'X-ClickHouse-Exception-Code': String(trouble.code) };
    response.writeHead(trouble.status, headers).end(trouble.body);
    return;
  }
  authenticate(request, url);
  const body = await decoded(await buffer(request), request.headers['content-encoding']);
  const statement = await statementOf(request, url, body);
  if (exhausting !== null && statement.sql.includes(exhausting))
    throw new HttpError(500, 241, 'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)');
  const queryId = url.searchParams.get('query_id') ?? randomUUID();
  const { bytes, rows, elapsed } = await run(statement);
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Server-Display-Name', 'test');
  response.setHeader('X-ClickHouse-Format', statement.format);
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  response.setHeader(
    'X-ClickHouse-Summary',
    JSON.stringify({ read_rows: String(rows), elapsed_ns: String(Math.round(elapsed * 1e9)) }),
  );
  const wanted =
    url.searchParams.get('enable_http_compression') === '1' ? request.headers['accept-encoding'] : undefined;
  const [encoding, sent] = await encoded(bytes, wanted);
  if (encoding !== null) response.setHeader('Content-Encoding', encoding);
  response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=UTF-8' }).end(sent);
}

function authenticate(request: IncomingMessage, url: URL): void {
  const [scheme, credentials = ''] = (request.headers.authorization ?? '').split(' ');
  const [basicUser, ...rest] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
  const given =
    scheme === 'Basic'
      ? [basicUser, rest.join(':')]
      : [
          request.headers['x-clickhouse-user'] ?? url.searchParams.get('user') ?? 'default',
          request.headers['x-clickhouse-key'] ?? url.searchParams.get('password') ?? '',
        ];
  if (given[0] === user && given[1] === password) return;
  const who = String(given[0]);
  throw new HttpError(
    403,
    516,
    `Code: 516. DB::Exception: ${who}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

async function statementOf(request: IncomingMessage, url: URL, body: Buffer): Promise<Statement> {
  const values = new Map(url.searchParams);
  let data: Buffer | null = body;
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('multipart/form-data')) {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    for (const [name, value] of form) values.set(name, typeof value === 'string' ? value : await value.text());
    data = null;
  }
  let sql = values.get('query') ?? '';
  if (sql === '' && data !== null) {
    sql = data.toString('utf8');
    data = null;
  }
  if (sql.trim() === '') throw new HttpError(400, 62, 'Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)');
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of values) {
    if (name.startsWith('param_')) parameters.set(name, value);
    else if (!INTERFACE_PARAMETERS.has(name) && !HTTP_SETTINGS.test(name)) settings.set(name, value);
  }
  return {
    sql,
    data: data === null || data.length === 0 ? null : data,
    format: /\bFORMAT\s+(\w+)\s*;?\s*$/i.exec(sql)?.[1] ?? values.get('default_format') ?? 'TabSeparated',
    database: values.get('database') ?? String(request.headers['x-clickhouse-database'] ?? 'default'),
    settings,
    parameters,
  };
}

async function run(statement: Statement): Promise<{ bytes: Uint8Array; rows: number; elapsed: number }> {
  const session = new Session(directory);
  try {
    await session.queryAsync(`USE \`${statement.database.replaceAll('`', '\\`')}\``);
    // A server reads parameters outside of any statement; here they are one, so it may be long.
    await session.queryAsync('SET max_query_size = 1000000000');
    const values = [...statement.settings, ...statement.parameters].map(
      ([name, value]) => `${name} = ${quoted(value)}`,
    );
    if (values.length > 0) await session.queryAsync(`SET ${values.join(', ')}`);
    const insert = statement.data === null ? '' : `\n${statement.data.toString('utf8')}`;
    const result = await session.queryAsync(`${statement.sql}${insert}`, { format: statement.format });
    // A copy: the bytes belong to the session.
    return { bytes: Uint8Array.from(result.bytes()), rows: result.rowsRead, elapsed: result.elapsed };
  } finally {
    session.close();
  }
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** As `exceptionCodeToHTTPStatus` of the server. */
const STATUS_BY_CODE: ReadonlyMap<number, number> = new Map([
  [60, 404],
  [81, 404],
  [192, 403],
  [193, 403],
  [194, 401],
  [241, 500],
  [497, 403],
  [159, 408],
]);

function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof HttpError ? error.code : Number(/Code: (\d+)/.exec(message)?.[1] ?? 0);
  const status = error instanceof HttpError ? error.status : (STATUS_BY_CODE.get(code) ?? (code === 0 ? 500 : 400));
  // The server always names the type at the end; the embedded engine leaves it out of some.
  const named = /\([A-Z][A-Z0-9_]{3,}\)\s*$/.test(message.trim()) ? message.trim() : `${message.trim()} (UNNAMED_TYPE)`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': String(code),
  });
  response.end(`${named} (version ${version().libchdb.replaceAll('"', '')} (official build))\n`);
}

async function decoded(body: Buffer, encoding: string | undefined): Promise<Buffer> {
  if (encoding === 'gzip') return await promisify(gunzip)(body);
  if (encoding === 'br') return await promisify(brotliDecompress)(body);
  if (encoding === 'zstd') return await promisify(zstdDecompress)(body);
  return body;
}

async function encoded(bytes: Uint8Array, wanted: string | undefined): Promise<[string | null, Uint8Array]> {
  if (wanted?.includes('gzip') === true) return ['gzip', await promisify(gzip)(bytes)];
  if (wanted?.includes('zstd') === true) return ['zstd', await promisify(zstdCompress)(bytes)];
  if (wanted?.includes('br') === true) return ['br', await promisify(brotliCompress)(bytes)];
  return [null, bytes];
}

process.on('exit', () => keeper.close());
