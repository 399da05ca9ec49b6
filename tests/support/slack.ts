/**
 * Stands in for Slack's incoming webhooks: checks a message as Slack does, keeps it, and answers as
 * Slack does. It can be told to misbehave for the next requests, and a webhook can be removed.
 * Written from https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
 * https://docs.slack.dev/reference/block-kit/blocks.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly any[];
}

export type Misbehaviour =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the request and never answers. */
  | 'hang'
  /** Closes the connection in the middle. */
  | 'reset';

export class SlackStandIn {
  readonly messages: SlackMessage[] = [];
  /** Every request, also those that were refused. */
  requests = 0;
  readonly #path = '/services/T0001/B0001/s3cr3tw0rd0fth3w3bh00k';
  readonly #misbehaviours: Misbehaviour[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #isRemoved = false;
  #cannotTake: RegExp | null = null;
  #gapMs = 0;
  #takesFromMs = 0;
  readonly #waiting: (() => void)[] = [];

  static async start(): Promise<SlackStandIn> {
    const slack = new SlackStandIn();
    await new Promise<void>((resolve) => {
      slack.#server.listen(0, '127.0.0.1', resolve);
    });
    return slack;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#path}`;
  }

  /** The secret of the URL: must appear in no error. */
  get secret(): string {
    return 's3cr3tw0rd0fth3w3bh00k';
  }

  /** One for each of the next requests. */
  misbehave(...misbehaviours: readonly Misbehaviour[]): void {
    this.#misbehaviours.push(...misbehaviours);
  }

  /** As Slack limits a webhook, to one message a second. Whoever comes too soon is asked to wait a second. */
  takesOneIn(gapMs: number): void {
    this.#gapMs = gapMs;
    if (gapMs === Number.POSITIVE_INFINITY) this.#takesFromMs = gapMs;
  }

  /** There is something in what matches that it does not take. */
  refuses(pattern: RegExp): void {
    this.#cannotTake = pattern;
  }

  /** Somebody removes the webhook in Slack. */
  remove(): void {
    this.#isRemoved = true;
  }

  /** Resolves when so many messages have been accepted. */
  async received(count: number): Promise<readonly SlackMessage[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    return this.messages;
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
    this.requests += 1;
    this.#wake();
    const misbehaviour = this.#misbehaviours.shift();
    if (misbehaviour === 'hang') return;
    if (misbehaviour === 'reset') {
      request.socket.destroy();
      return;
    }
    const { status, body, headers } = misbehaviour ?? this.#accept(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body ?? '');
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #accept(request: IncomingMessage, body: string): Exclude<Misbehaviour, string> {
    if (request.url !== this.#path) return { status: 403, body: 'invalid_token' };
    if (this.#isRemoved) return { status: 404, body: 'no_service' };
    const message = parse(body);
    if (message === null) return { status: 400, body: 'invalid_payload' };
    if (!(message.blocks ?? []).every(isValidBlock) || (message.blocks ?? []).length > 50) {
      return { status: 400, body: 'invalid_blocks' };
    }
    // Less than what was refused: https://github.com/slackapi/bolt-js/issues/2509 and 2867.
    if (charactersOf(message.blocks ?? []) > 11_000) return { status: 400, body: 'msg_blocks_too_long' };
    if (this.#cannotTake?.test(body) === true) return { status: 400, body: 'invalid_blocks' };
    if (typeof message.text !== 'string' || message.text === '') return { status: 400, body: 'no_text' };
    if (performance.now() < this.#takesFromMs) {
      return { status: 429, body: 'rate_limited', headers: { 'retry-after': '1' } };
    }
    this.#takesFromMs = performance.now() + this.#gapMs;
    this.messages.push(message);
    return { status: 200, body: 'ok' };
  }
}

function parse(body: string): SlackMessage | null {
  try {
    return JSON.parse(body) as SlackMessage;
  } catch {
    return null;
  }
}

function isValidBlock(block: any): boolean {
  switch (block.type) {
    case 'header':
      return block.text.type === 'plain_text' && isText(block.text.text, 150);
    case 'section': {
      const fields: any[] = block.fields ?? [];
      const texts = block.text === undefined ? [] : [block.text];
      const hasSome = texts.length + fields.length > 0;
      return (
        hasSome &&
        fields.length <= 10 &&
        fields.every((field) => isText(field.text, 2_000)) &&
        texts.every((text) => isText(text.text, 3_000))
      );
    }
    case 'context':
      return block.elements.length <= 10 && block.elements.every((element: any) => isText(element.text, 3_000));
    default:
      return block.type === 'divider';
  }
}

function charactersOf(blocks: readonly any[]): number {
  const texts = blocks.flatMap((block) => block.elements ?? block.fields ?? [block.text]);
  return texts.reduce((sum, { text }) => sum + text.length, 0);
}

function isText(text: unknown, charactersMax: number): boolean {
  return typeof text === 'string' && text.length > 0 && text.length <= charactersMax;
}
