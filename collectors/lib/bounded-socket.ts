/** A TCP connection that ends when the signal aborts, when nothing comes for long, or when more comes than a prompt can be. */

import { connect, type Socket } from 'node:net';
import { Fault } from '../../src/contract/fault.ts';
import { formatBytes } from '../../src/lib/http.ts';

const BYTES_MAX = 8 * 1024 * 1024;
const SILENCE_MS_MAX = 10_000;
// Under TLS the socket tells of no data any more; what it has read is looked at this often.
const CHECK_MS = 50;
// A connection that waits for news is silent for days; the system asks whether the other side is still there.
const KEEP_ALIVE_MS = 30_000;

export interface BoundedSocket {
  readonly socket: Socket;
  /** Why it was ended from here; null when the other side or nobody ended it. */
  readonly failure: () => unknown;
  /** The limit of bytes is for one answer: the next one begins. */
  readonly nextAnswer: () => void;
  /** Throws when the answer that is there was over a limit, if nobody noticed before. */
  readonly endAnswer: () => void;
  /** From now on it waits for small news: as long as it takes, however many they are. */
  readonly waitForNews: () => void;
}

export function boundedSocket(host: string, port: number, signal: AbortSignal): BoundedSocket {
  signal.throwIfAborted();
  const socket = connect({ host, port });
  let failure: unknown = null;
  let bytesBefore = 0;
  const end = (reason: unknown): void => {
    failure ??= reason;
    socket.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  };
  const onAbort = (): void => end(signal.reason);
  const checkBytes = (): void => {
    if (socket.bytesRead - bytesBefore > BYTES_MAX) {
      end(new Fault('permanent', `${host}:${port} answered with more than ${formatBytes(BYTES_MAX)}.`));
    }
  };
  signal.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(SILENCE_MS_MAX, () => end(new Fault('transient', `${host}:${port} did not answer in time.`)));
  socket.on('data', checkBytes);
  const checking = setInterval(checkBytes, CHECK_MS).unref();
  socket.on('close', () => {
    clearInterval(checking);
    signal.removeEventListener('abort', onAbort);
  });
  return {
    socket,
    failure: () => failure,
    nextAnswer: () => void (bytesBefore = socket.bytesRead),
    endAnswer: () => {
      checkBytes();
      if (failure !== null) throw failure as Error;
    },
    waitForNews: () => {
      socket.setTimeout(0);
      socket.off('data', checkBytes);
      clearInterval(checking);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
    },
  };
}
