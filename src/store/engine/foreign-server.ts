/** Tells what is no ClickHouse server from one that is not well: a wrong port, or a proxy that knows no such place. */

import { boundedFetch, statusFault } from '../../lib/http.ts';

// ClickHouse says `Ok.`, and a page of whatever else it is need not be read.
const ask = boundedFetch({ bodyBytesMax: 64 * 1024, timeoutMs: 5_000 });

/** https://clickhouse.com/docs/interfaces/http: `/ping` is answered without a user. False when nobody answers. */
export async function isForeignServer(url: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const response = await ask(new URL('/ping', url), signal === undefined ? {} : { signal });
    if (!response.ok) return statusFault(url, response).kind === 'permanent';
    return (await response.text()).trim() !== 'Ok.';
  } catch {
    return false;
  }
}
