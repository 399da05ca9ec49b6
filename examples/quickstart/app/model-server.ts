/**
 * A local model server with the shape of an OpenAI chat completions endpoint, so that the quick
 * start needs no key and no network. It answers from the words of the prompt: change the prompt and
 * its answers change.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const BODY_BYTES_MAX = 1024 * 1024;

/** Starts on a free loopback port. Resolves with its base URL and how to stop it. */
export async function startModelServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    answer(request, response, calls).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: String(error) } }));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, call: number): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('The request is too large.');
    chunks.push(chunk);
  }
  const { model, messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChatRequest;
  const content = reply(messages);
  const promptTokens = tokensOf(messages.map((message) => message.content).join(' '));
  const completionTokens = tokensOf(content);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      id: `chatcmpl-local-${call}-${Date.now()}`,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1000),
      model: `${model}-2026-08-01`,
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      },
    }),
  );
}

/** Follows the instructions just well enough to show that they matter. */
function reply(messages: ChatRequest['messages']): string {
  const all = messages
    .map((message) => message.content)
    .join('\n')
    .toLowerCase();
  if (all.includes('answer with the intent only')) return all.includes('charged') ? 'billing' : 'other';
  if (all.includes('answer with one json object'))
    return '{"decision": "credit", "reason": "delivered more than 30 days ago"}';
  if (all.includes('write three short lines'))
    return 'Wants help.\nNothing was tried so far.\nAn answer is still open.';
  return 'Thank you for writing to us. We are looking into it.';
}

/** Four characters a token: good enough for a demonstration, and the same for the same text. */
function tokensOf(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}
