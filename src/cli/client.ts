/** Speaks to the running daemon over its HTTP API. */

import { Fault } from '../contract/fault.ts';

/** Longer than any query may take. */
const TIMEOUT_MS = 60_000;

export interface DaemonClient {
  readonly url: string;
  get<Answer>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Answer>;
  /** `timeoutMs`: of what may take longer than a query. */
  post<Answer>(path: string, body?: object, timeoutMs?: number): Promise<Answer>;
  /** The same for what is not JSON. */
  postForBytes(path: string, body: object): Promise<Uint8Array>;
  /** True when a daemon answers there. */
  isRunning(): Promise<boolean>;
}

interface Answered {
  readonly status: number;
  readonly bytes: Uint8Array;
}

export function daemonClient(url: string, key: string | undefined): DaemonClient {
  const headers = authorization(key?.trim());
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Fault('config', `${url} is no address of a daemon.`, { hint: 'Write it like http://127.0.0.1:7070.' });
  // A proxy may have put it below a path.
  const at = (path: string): URL => new URL(path.replace(/^\//, ''), url.endsWith('/') ? url : `${url}/`);

  const ask = async (path: string, init: RequestInit, timeoutMs = TIMEOUT_MS): Promise<Answered> => {
    let response: Response;
    try {
      response = await fetch(at(path), { ...init, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      if ((error as Error).name === 'TimeoutError')
        throw new Fault('transient', `The daemon at ${url} has not answered within ${timeoutMs / 1_000} s.`, {
          hint: 'It may still be at it: look at its log before you ask again.',
          cause: error,
        });
      throw new Fault('transient', `No Plumbline daemon answers at ${url}.`, {
        hint: 'Start it with `plumbline start`, or name another address with --url.',
        cause: error,
      });
    }
    const { status, ok } = response;
    const bytes = await response.bytes();
    if (!ok) throw faultOfAnswer(status, textOf(bytes), url);
    return { status, bytes };
  };

  const call = async <Answer>(path: string, init: RequestInit, timeoutMs?: number): Promise<Answer> => {
    const { status, bytes } = await ask(path, init, timeoutMs);
    try {
      return JSON.parse(textOf(bytes)) as Answer;
    } catch {
      throw noDaemon(status, url);
    }
  };

  return {
    url,
    get: (path, query = {}) => {
      const parameters = new URLSearchParams(
        Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      return call(parameters.size === 0 ? path : `${path}?${parameters.toString()}`, { headers });
    },
    post: (path, body, timeoutMs) => call(path, posted(headers, body), timeoutMs),
    postForBytes: async (path, body) => (await ask(path, posted(headers, body))).bytes,
    isRunning: async () => {
      try {
        const response = await fetch(at('/healthz'), { signal: AbortSignal.timeout(2_000) });
        return response.ok && ((await response.json()) as { status?: unknown }).status === 'ok';
      } catch {
        return false;
      }
    },
  };
}

function posted(headers: Record<string, string>, body: object | undefined): RequestInit {
  if (body === undefined) return { method: 'POST', headers };
  return { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function authorization(key: string | undefined): Record<string, string> {
  if (key === undefined || key === '') return {};
  if (/^[\u0021-\u007E]+$/.test(key)) return { authorization: `Bearer ${key}` };
  throw new Fault('config', 'PLUMBLINE_KEY holds characters that no key can have in a request.', {
    hint: 'Set it to a key from `keys:` of the daemon: visible ASCII characters, without spaces.',
  });
}

/** As many as the API gives at once. */
const PAGE_ROWS = '1000';

/** A whole list, however many pages it has. */
export async function allPages<Item>(
  client: DaemonClient,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.get<{ data: readonly Item[]; next_cursor: string | null }>(path, {
      ...query,
      limit: PAGE_ROWS,
      cursor,
    });
    all.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

interface ProblemAnswer {
  readonly detail?: string;
  readonly hint?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  /** Of a daemon that is not ready. */
  readonly problems?: readonly string[];
}

function faultOfAnswer(status: number, text: string, url: string): Fault {
  const kind =
    status === 503 || status === 429
      ? 'transient'
      : status === 401 || status === 403 || status === 422
        ? 'config'
        : 'permanent';
  let answer: ProblemAnswer;
  try {
    answer = JSON.parse(text) as ProblemAnswer;
  } catch {
    return noDaemon(status, url);
  }
  const notReady = answer.problems === undefined ? undefined : `The daemon is not ready: ${answer.problems.join(' ')}`;
  const fields = (answer.errors ?? []).map((error) => ` ${error.field}: ${error.message}.`).join('');
  // Its own hint is about a header.
  const hint = status === 401 ? 'Set PLUMBLINE_KEY to a key from `keys:` of the daemon.' : answer.hint;
  return new Fault(
    kind,
    `${answer.detail ?? notReady ?? `The daemon answered ${status}.`}${fields}`,
    hint === undefined ? {} : { hint },
  );
}

/** The page of a proxy, or of whatever else listens there. */
function noDaemon(status: number, url: string): Fault {
  return new Fault(
    status >= 500 ? 'transient' : 'config',
    `${url} answered ${status}, and not as a Plumbline daemon does.`,
    {
      hint: 'Check --url and the port.',
    },
  );
}
