/**
 * HTTP/2 connections without TLS, with a limit on everything that whoever is at the other end can make
 * us keep. What a call means is for whoever is behind `onCall`.
 */

import { performServerHandshake, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { countRefusedConnection } from './metrics.ts';

export type OnCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

// An exporter keeps one batch in flight, a collector a handful, few a hundred. Twice that, as Node counts calls that
// were cancelled together until the next turn: what comes in their place would be refused, and not be sent again.
const STREAMS_PER_CONNECTION_MAX = 256;
// What a sender may send ahead of us: at a round trip of 50 ms one of them reaches 20 MB/s, all of a
// connection 80 MB/s. It is read and counted as it comes, so that it waits in the kernel if anywhere.
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
// As Node's HTTP/1.
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 64;
// Of headers, and of answers that the sender does not read; as many calls at once with 1 KB of headers need far less.
const SESSION_MB_MAX = 4;
// Senders say hello at once.
const HELLO_MS = 10_000;
// For longer than any exporter pauses.
const IDLE_MS = 30 * 60_000;
// Then the system asks whether the other end is still there, and ends the connection if not.
const PROBE_AFTER_MS = 60_000;
// So long a sender has for closing a connection after it was told to.
const FAREWELL_MS = 10_000;
// And after it heard that nothing more comes: an answer that is on its way is read within this.
const LEAVE_MS = 1_000;

const SESSION = {
  settings: {
    maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxHeaderListSize: HEADER_BYTES_MAX,
  },
  maxHeaderListPairs: HEADERS_MAX,
  maxSessionMemory: SESSION_MB_MAX,
};

type Session = ReturnType<typeof performServerHandshake>;

export class GrpcConnections {
  readonly #onCall: OnCall;
  readonly #server: Server;
  readonly #sessions = new Map<Session, Socket>();

  constructor(onCall: OnCall, connectionsMax: number) {
    this.#onCall = onCall;
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
    this.#server = createServer(options, (socket) => this.#open(socket));
    this.#server.maxConnections = connectionsMax;
    this.#server.on('drop', () => countRefusedConnection('grpc'));
  }

  /** Resolves with the port in use; rejects with the system's error. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Takes no calls any more, and lets those that run end until the deadline. */
  async close(deadlineMs: number): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const session of this.#sessions.keys()) session.close();
    const timer = setTimeout(() => {
      for (const socket of this.#sessions.values()) socket.destroy();
    }, deadlineMs);
    await closed;
    clearTimeout(timer);
  }

  #open(socket: Socket): void {
    // Whatever a sender does wrong ends its connection, and is nothing to tell anybody.
    socket.on('error', ignore);
    const session = performServerHandshake(socket, SESSION);
    this.#sessions.set(session, socket);
    let patience: NodeJS.Timeout | undefined;
    // Not with the session's own timeout: Node does not clear that one when the connection ends, and with it
    // the session stays in memory until it is over.
    const waitFor = (millis: number): void => {
      clearTimeout(patience);
      if (!socket.destroyed) patience = setTimeout(farewell, millis, session, socket);
    };
    socket.once('close', () => {
      clearTimeout(patience);
      this.#sessions.delete(session);
    });
    // Some never close their end, and a stop would wait for them.
    socket.once('finish', () => {
      clearTimeout(patience);
      patience = setTimeout(() => socket.destroy(), LEAVE_MS);
    });
    session.on('error', ignore);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    waitFor(HELLO_MS);
    session.once('remoteSettings', () => waitFor(IDLE_MS));
    session.on('ping', () => waitFor(IDLE_MS));
    session.on('stream', (stream, headers) => {
      waitFor(IDLE_MS);
      stream.on('error', ignore);
      this.#onCall(stream, headers);
    });
  }
}

function farewell(session: Session, socket: Socket): void {
  session.close();
  setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
}

function ignore(): void {}
