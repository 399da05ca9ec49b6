// @ts-check
/** The only place that talks to the daemon: its HTTP API, with a key when it asks for one. */

/** @typedef {import('./types.d.ts').Query} Query */

const KEY_NAME = 'plumbline-key';
/** Longer than any query of the daemon may take. */
const TIMEOUT_MS = 65_000;

/** As many as the daemon gives at once. */
const PAGE_ROWS = '1000';

/** The daemon said no, and what to do about it. */
export class ApiProblem extends Error {
  /**
   * @param {number} status
   * @param {{ title?: string, detail?: string, hint?: string, errors?: { field: string, message: string }[] }} problem
   */
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map(({ field, message }) => `${field} ${message}.`);
    super([problem.detail ?? `The daemon answered ${status}.`, ...fields].join(' '));
    this.name = 'ApiProblem';
    this.status = status;
    this.title = problem.title ?? 'Not possible';
    this.hint = problem.hint ?? '';
  }
}

/** Nobody answered, or not as a daemon does. */
export class NoAnswer extends Error {
  /** @override */
  name = 'NoAnswer';
}

/** Kept by this tab only, and gone with it. */
export const storedKey = {
  get: () => sessionStorage.getItem(KEY_NAME),
  /** @param {string} key */
  set: (key) => sessionStorage.setItem(KEY_NAME, key),
  forget: () => sessionStorage.removeItem(KEY_NAME),
};

/** The daemon's clock minus ours, in milliseconds: a laptop may be wrong by minutes. */
let clockOffsetMs = 0;

export function daemonNowMs() {
  return Date.now() + clockOffsetMs;
}

/**
 * @param {URL} base Where the page is served.
 * @returns {import('./types.d.ts').Api}
 */
export function createApi(base) {
  /**
   * @template Answer
   * @param {string} path Below `/api/v1/`, its parts escaped.
   * @param {Query} query
   * @param {RequestInit} init
   * @returns {Promise<Answer>}
   */
  async function call(path, query, init) {
    const url = new URL(`api/v1/${path}`, base);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const key = storedKey.get();
    const headers = new Headers(init.headers);
    if (key !== null) headers.set('authorization', `Bearer ${key}`);
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    let response;
    let text;
    try {
      response = await fetch(url, { ...init, headers, signal, credentials: 'same-origin' });
      text = await response.text();
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new NoAnswer('The daemon does not answer.', { cause: error });
    }
    compareClocks(response.headers.get('date'));
    return read(response, text);
  }

  /**
   * A list with all of its pages.
   * @template Item
   * @param {string} path
   * @param {Query} query
   * @param {AbortSignal} signal
   * @returns {Promise<import('./types.d.ts').Listed<Item>>}
   */
  async function whole(path, query, signal) {
    /** @type {Item[]} */
    const data = [];
    /** @type {string | undefined} */
    let cursor;
    do {
      /** @type {import('./types.d.ts').Listed<Item>} */
      const page = await call(path, { ...query, limit: PAGE_ROWS, cursor }, { signal });
      data.push(...page.data);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return { data, next_cursor: null };
  }

  const escaped = encodeURIComponent;
  return {
    targets: (query, signal) => whole('targets', query, signal),
    prompts: (signal) => whole('prompts', {}, signal),
    versions: (prompt, signal) => whole(`prompts/${escaped(prompt)}/versions`, {}, signal),
    incidents: (query, signal) => call('incidents', query, { signal }),
    incident: (id, signal) => call(`incidents/${escaped(id)}`, {}, { signal }),
    at: async (query, signal) => {
      /** @type {import('./types.d.ts').ActiveAt} */
      const answer = await call('at', query, { signal });
      const held = [...answer.held];
      for (let cursor = answer.next_cursor; cursor !== null;) {
        /** @type {import('./types.d.ts').ActiveAt} */
        const page = await call('at', { ...query, cursor }, { signal });
        held.push(...page.held);
        cursor = page.next_cursor;
      }
      return { ...answer, held, next_cursor: null };
    },
    usage: (query, signal) => call('usage', query, { signal }),
    outputs: (query, signal) => whole('outputs', query, signal),
    baselines: (query, signal) => whole('baselines', query, signal),
    sql: (query, signal) => call('sql', {}, { ...postOf({ query, format: 'compact' }), signal }),
    problems: async (signal) => {
      /** @type {{ problems: readonly string[] }} */
      const { problems } = await call('../../readyz', {}, { signal });
      return problems;
    },
    tell: (incident, what, body) => call(`incidents/${escaped(incident)}/${what}`, {}, postOf(body)),
  };
}

/**
 * Without a body there must be no content type: the daemon would look for one.
 * @param {object} [body]
 * @returns {RequestInit}
 */
function postOf(body) {
  if (body === undefined) return { method: 'POST' };
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/**
 * @template Answer
 * @param {Response} response
 * @param {string} text
 * @returns {Answer}
 */
function read(response, text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy in between answers in its own words.
    throw new NoAnswer(`The daemon does not answer: what came is no JSON (status ${response.status}).`);
  }
  if (!response.ok) throw new ApiProblem(response.status, answer);
  return answer;
}

/** @param {string | null} date The header has whole seconds, so less than two are no difference. */
function compareClocks(date) {
  const offsetMs = Date.parse(date ?? '') - Date.now();
  if (Number.isFinite(offsetMs)) clockOffsetMs = Math.abs(offsetMs) < 2_000 ? 0 : offsetMs;
}
