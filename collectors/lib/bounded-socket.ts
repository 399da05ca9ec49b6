/** A TCP connection that ends when the signal aborts, when nothing comes for long, or when more comes than a prompt can be. */

import { connect, type Socket } from 'node:net';
import { Fault } from '../../src/contract/fault.ts';
import { formatBytes } from '../../src/lib/http.ts';

const BYTES_MAX = 8 * 1024 * 1024;
const SILENCE_MS_MAX = 10_000;

export interface BoundedSocket {
  readonly socket: Socket;
  /** Why it was ended from here; null when the other side or nobody ended it. */
  readonly failure: () => unknown;
}

export function boundedSocket(host: string, port: number, signal: AbortSignal): BoundedSocket {
  signal.throwIfAborted();
  const socket = connect({ host, port });
  let failure: unknown = null;
  const end = (reason: unknown): void => {
    failure ??= reason;
    socket.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  };
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(SILENCE_MS_MAX, () => end(new Fault('transient', `${host}:${port} did not answer in time.`)));
  socket.on('data', () => {
    if (socket.bytesRead > BYTES_MAX) {
      end(new Fault('permanent', `${host}:${port} answered with more than ${formatBytes(BYTES_MAX)}.`));
    }
  });
  socket.on('close', () => signal.removeEventListener('abort', onAbort));
  return { socket, failure: () => failure };
}
