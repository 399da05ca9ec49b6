/** Follows what happens to the objects of one collection of a Kubernetes API server: their names only, never what they hold. */

import { z } from 'zod';
import { Fault } from '../../src/contract/fault.ts';
import { hostOf, statusFault } from '../../src/lib/http.ts';
import { sleep } from '../../src/lib/limits.ts';
import { askJson, shaped } from './ask-json.ts';

export interface Collection {
  /** The address of the collection. */
  readonly url: string;
  /** Asked for before each question: a pod's token is replaced every hour. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** For an answer that goes on. */
  readonly follow: typeof globalThis.fetch;
}

// The server ends the answer after this time, before our side would take the silence for a failure.
const WATCH_SECONDS = 240;
const AGAIN_MS = 500;
const LINE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Metadata is all that is needed, and all that is sent. */
const METADATA = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json;q=0.9`;

const List = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const Event = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.object({ name: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
    code: z.number().nullish(),
  }),
});

/**
 * Calls `changed` with the name of each object that was written or deleted, and with null when that
 * can't be known (events were missed). Resolves when the server does not let us watch; throws a
 * `Fault` when it fails.
 */
export async function followNames(
  collection: Collection,
  changed: (name: string | null) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let since = await versionOf(collection, signal), isFirst = true; since !== null; isFirst = false) {
    if (!isFirst) changed(null);
    let next: string | null = since;
    // What happened between two answers is told by the next one, until the server has forgotten it.
    while (next !== null) {
      next = await followOnce(collection, next, changed, signal);
      // A server that ends every answer at once is not asked without pause.
      await sleep(AGAIN_MS, signal);
    }
    since = await versionOf(collection, signal);
  }
}

/** Where to follow from; null when we may not watch. */
async function versionOf({ url, headers, follow }: Collection, signal: AbortSignal): Promise<string | null> {
  const address = withQuery(url, { limit: '1' });
  const accept = METADATA('PartialObjectMetadataList');
  const response = await follow(address, { headers: { ...(await headers()), accept }, signal });
  if (response.status === 403) {
    await response.body?.cancel();
    return null;
  }
  const answer = await askJson(() => Promise.resolve(response), address, { signal });
  if (answer.outcome !== 'ok') throw new Fault('permanent', `${hostOf(url)} has no such collection.`);
  return shaped(List, answer.value, url).metadata.resourceVersion;
}

/** One answer, to its end. Gives the version to go on from; null when the server no longer knows what happened since. */
async function followOnce(
  { url, headers, follow }: Collection,
  since: string,
  changed: (name: string | null) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const query = {
    watch: '1',
    resourceVersion: since,
    timeoutSeconds: String(WATCH_SECONDS),
    allowWatchBookmarks: 'true',
  };
  const accept = METADATA('PartialObjectMetadata');
  const response = await follow(withQuery(url, query), { headers: { ...(await headers()), accept }, signal });
  if (response.status === 410) {
    await response.body?.cancel();
    return null;
  }
  if (!response.ok || response.body === null) throw statusFault(url, response, '');
  let version = since;
  for await (const line of linesOf(response.body, url)) {
    const { type, object } = shaped(Event, jsonOf(line, url), url);
    if (type === 'ERROR') {
      if (object.code === 410) return null;
      throw new Fault('transient', `${hostOf(url)} ended the watch with ${object.code ?? 'an error'}.`);
    }
    version = object.metadata?.resourceVersion ?? version;
    const name = object.metadata?.name;
    if (type !== 'BOOKMARK' && typeof name === 'string') changed(name);
  }
  return version;
}

function withQuery(address: string, query: Readonly<Record<string, string>>): string {
  return `${address}?${new URLSearchParams(query)}`;
}

function jsonOf(line: string, url: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw new Fault('transient', `${hostOf(url)} sent an event that is not JSON.`);
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>, url: string): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARACTERS_MAX)
      throw new Fault('permanent', `${hostOf(url)} sent an event that is too large.`);
    yield* lines.filter((line) => line.trim() !== '');
  }
}
