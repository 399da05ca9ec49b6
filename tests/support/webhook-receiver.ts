/**
 * Receives generic webhooks: keeps every body with its headers, and misbehaves when told to. What a certain service does
 * with what it receives is in `accept`.
 */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Misbehaviour } from './slack.ts';

export type Answer = Exclude<Misbehaviour, string>;

export class WebhookReceiver {
  readonly messages: any[] = [];
  readonly raw: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  requests = 0;
  readonly #misbehaviours: Misbehaviour[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.listen();
    return receiver;
  }

  protected listen(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  protected accept(headers: IncomingHttpHeaders, body: string): Answer {
    this.raw.push({ headers, body });
    this.messages.push(JSON.parse(body));
    return { status: 204 };
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/services/T0001/B0001/s3cr3tw0rd0fth3w3bh00k`;
  }

  misbehave(...misbehaviours: readonly Misbehaviour[]): void {
    this.#misbehaviours.push(...misbehaviours);
  }

  /** Resolves when so many requests have come in, answered or not. */
  async requested(count: number): Promise<void> {
    while (this.requests < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.requests += 1;
    for (const wake of this.#waiting.splice(0)) wake();
    const misbehaviour = this.#misbehaviours.shift();
    if (misbehaviour === 'hang') return;
    if (misbehaviour === 'reset') {
      request.socket.destroy();
      return;
    }
    const answer = misbehaviour ?? this.accept(request.headers, body);
    response.writeHead(answer.status, { ...answer.headers }).end(answer.body ?? '');
  }
}
