/** Sends bodies over a few kept-alive connections, as fast as they are acknowledged. */

import { Agent, request } from 'node:http';

const CONNECTIONS = 32;

/** `receiver`: a base URL. Returns how often it was told to come back. */
export async function sendAll(receiver: string, bodies: readonly Buffer[]): Promise<{ refused: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const url = new URL('/v1/traces', receiver);
  const queue = bodies[Symbol.iterator]();
  let refused = 0;
  const sender = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      while ((await post(agent, url, next.value)) !== 200) {
        refused += 1;
        await new Promise((resolve) => {
          setTimeout(resolve, 200);
        });
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  agent.destroy();
  return { refused };
}

function post(agent: Agent, url: URL, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
    const outgoing = request(url, { agent, method: 'POST', headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
