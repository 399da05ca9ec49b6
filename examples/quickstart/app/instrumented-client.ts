/** A chat client that reports every call with OpenTelemetry's generative AI conventions. */

import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

interface ChatResponse {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly { readonly message: ChatMessage; readonly finish_reason: string }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const tracer = trace.getTracer('quickstart-chat-client', '1.0.0');
const TIMEOUT_MS = 10_000;

/** Calls the model and returns its answer. Throws when the server does not answer well. */
export function chat(
  baseUrl: string,
  model: string,
  messages: readonly ChatMessage[],
  conversation: string,
): Promise<string> {
  return tracer.startActiveSpan(`chat ${model}`, { kind: SpanKind.CLIENT }, async (span) => {
    span.setAttributes({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': model,
      'gen_ai.request.temperature': 0,
      'gen_ai.conversation.id': conversation,
      'gen_ai.input.messages': JSON.stringify(messages.map(toParts)),
      'server.address': '127.0.0.1',
    });
    try {
      const response = await fetch(`${baseUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages, temperature: 0 }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`The model server answered ${response.status}.`);
      const answer = (await response.json()) as ChatResponse;
      const choice = answer.choices[0];
      if (choice === undefined) throw new Error('The model server gave no choice.');
      span.setAttributes({
        'gen_ai.response.id': answer.id,
        'gen_ai.response.model': answer.model,
        'gen_ai.response.finish_reasons': [choice.finish_reason],
        'gen_ai.usage.input_tokens': answer.usage.prompt_tokens,
        'gen_ai.usage.output_tokens': answer.usage.completion_tokens,
        'gen_ai.output.messages': JSON.stringify([{ ...toParts(choice.message), finish_reason: choice.finish_reason }]),
      });
      return choice.message.content;
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
      throw error;
    } finally {
      span.end();
    }
  });
}

function toParts(message: ChatMessage): object {
  return { role: message.role, parts: [{ type: 'text', content: message.content }] };
}
