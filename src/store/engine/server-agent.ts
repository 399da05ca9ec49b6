/**
 * Connections to a ClickHouse server, and who did not answer. A connection that does not come about is given up
 * soon, for the system itself would try for two minutes; what is asked over one that is there may take its time.
 */

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { formatDuration } from '../../lib/time.ts';

const SILENT = 'ETIMEDOUT';

export interface ServerAgentOptions {
  readonly connectionsMax: number;
  /** Until a connection is ready for use, with TLS. */
  readonly connectTimeoutMs: number;
}

/** For one server. Errors of connections that are given up have the code `ETIMEDOUT`. */
export function serverAgent(url: string, { connectionsMax, connectTimeoutMs }: ServerAgentOptions): HttpAgent {
  const isSecure = new URL(url).protocol === 'https:';
  const options = { keepAlive: true, maxSockets: connectionsMax };
  const agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (...parameters) => {
    const socket = connect(...parameters) as Socket;
    const words = `${url} took no connection within ${formatDuration(connectTimeoutMs)}`;
    const giveUp = (): void => void socket.destroy(silence(words));
    const timer = setTimeout(giveUp, connectTimeoutMs);
    for (const event of [isSecure ? 'secureConnect' : 'connect', 'close']) {
      socket.once(event, () => clearTimeout(timer));
    }
    return socket;
  };
  return agent;
}

/** The error of a server that did not answer in time, as the system would throw it. */
export function silence(words: string, cause?: unknown): Error {
  return Object.assign(new Error(words, { cause }), { code: SILENT });
}

export function isSilence(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === SILENT;
}
