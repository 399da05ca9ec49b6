/**
 * Sends bodies over a few kept-alive connections, as fast as they are acknowledged. It shares the
 * machine with the daemon that it measures, so it speaks the little HTTP that it needs by itself:
 * Node's client takes twice as long, ten microseconds for a span of 6 KB.
 */

import { connect, type Socket } from 'node:net';

const CONNECTIONS = 32;
const COME_BACK_MS = 200;
const HEAD_END = '\r\n\r\n';

/** `receiver`: a base URL. Returns how often it was told to come back. */
export async function sendAll(receiver: string, bodies: readonly Buffer[]): Promise<{ refused: number }> {
  const queue = bodies[Symbol.iterator]();
  let refused = 0;
  const sender = async (): Promise<void> => {
    const connection = new Connection(new URL('/v1/traces', receiver));
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      while ((await connection.post(next.value)) !== 200) {
        refused += 1;
        await new Promise((resolve) => {
          setTimeout(resolve, COME_BACK_MS);
        });
      }
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  return { refused };
}

interface Waiting {
  readonly resolve: (status: number) => void;
  readonly reject: (reason: Error) => void;
}

/** One request at a time, each answered with a `Content-Length`, as the daemon does. */
class Connection {
  readonly #socket: Socket;
  readonly #head: string;
  #waiting: Waiting | null = null;
  #answer = '';

  constructor({ hostname, port, host, pathname }: URL) {
    this.#head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/x-protobuf\r\ncontent-length: `;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (data) => {
      this.#answer += data.toString('latin1');
      this.#readAnswer();
    });
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('The daemon closed the connection.')));
  }

  /** The status of the answer. */
  post(body: Buffer): Promise<number> {
    if (this.#socket.destroyed) return Promise.reject(new Error('The daemon has closed the connection.'));
    this.#socket.cork();
    this.#socket.write(`${this.#head}${body.length}${HEAD_END}`);
    this.#socket.write(body);
    this.#socket.uncork();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.end();
  }

  #readAnswer(): void {
    const headEnd = this.#answer.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#answer.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) {
      this.#waiting?.reject(new Error(`An answer without a length: ${head}`));
      return;
    }
    if (this.#answer.length < headEnd + HEAD_END.length + Number(length[1])) return;
    this.#answer = '';
    this.#waiting?.resolve(Number(head.split(' ', 2)[1]));
  }
}
