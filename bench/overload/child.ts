/** The process under load, and what is sent to it. */

import { fork, type ChildProcess } from 'node:child_process';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { chatAttributes, tracesBody } from '../../tests/ingest/harness.ts';

export const SPANS_PER_REQUEST = 50;

export class Child {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  static async start(directory: string, bytesPerSecond: number, spoolBytesMax: number): Promise<Child> {
    const script = join(import.meta.dirname, 'slow-process.ts');
    const child = fork(script, [directory, String(bytesPerSecond), String(spoolBytesMax)]);
    const { port } = await answerOf<{ port: number }>(child);
    return new Child(child, port);
  }

  ask<Answer>(message: 'report' | 'memory' | 'calls'): Promise<Answer> {
    this.#process.send(message);
    return answerOf<Answer>(this.#process);
  }

  beQuick(): void {
    this.#process.send('quick');
  }

  async stop(): Promise<void> {
    this.#process.send('stop');
    await new Promise((resolve) => {
      this.#process.once('exit', resolve);
    });
  }
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`The process under load ended with ${code}.`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as Answer);
    });
  });
}

let made = 0;

export interface Batch {
  readonly body: Buffer;
  readonly spanIds: readonly string[];
}

/** A request of calls with texts of their own, in the given trace or each in its own. */
export function makeBatch(trace: { readonly traceId: string; readonly parentSpanId: string } | null): Batch {
  const spanIds = Array.from({ length: SPANS_PER_REQUEST }, () => (made += 1).toString(16).padStart(16, '0'));
  const spans = spanIds.map((spanId) => {
    const text = `question ${spanId} ${'and so on '.repeat(120)}`;
    const responseId = `chatcmpl-${spanId}`;
    return {
      traceId: trace?.traceId ?? spanId.padStart(32, 'f'),
      parentSpanId: trace?.parentSpanId ?? '',
      spanId,
      attributes: chatAttributes('Answer.', [{ role: 'user', text }], 'yes', { 'gen_ai.response.id': responseId }),
    };
  });
  return { body: tracesBody(spans), spanIds };
}

export function post(
  agent: Agent,
  port: number,
  body: Buffer,
): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request({ agent, port, method: 'POST', path: '/v1/traces', headers }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
