/** Which operations are calls, by the names that emitters have for them, and how they ended. */

import { describe, expect, it } from 'vitest';
import { type Attributes, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

describe('an operation', () => {
  it.each([
    ['chat.streaming_completions', 'chat', 'Semantic Kernel'],
    ['text.completions', 'text_completion', 'Semantic Kernel'],
    ['agenerate_content_stream', 'chat', 'LiteLLM'],
    ['aembedding', 'embeddings', 'LiteLLM'],
    ['aimage_generation', 'other', 'LiteLLM'],
    ['image', 'other', 'OpenLIT and Spring AI'],
    ['audio', 'other', 'OpenLIT'],
    ['speech_generation', 'other', 'OpenAI Agents'],
    ['realtime_inference', 'chat', 'the conventions to come'],
    ['call_llm', 'chat', 'any-agent'],
    ['chat_streaming', 'chat', 'Rig'],
    ['interactions', 'chat', 'Rig'],
    ['interactions_streaming', 'chat', 'Rig'],
    ['audio_generation', 'other', 'Rig'],
    ['ai.generateSpeech', 'other', 'the AI SDK'],
    ['ai.streamTranscribe', 'other', 'the AI SDK'],
    ['live_video_generation', 'other', 'TanStack AI'],
    ['translation', 'other', "Envoy's AI Gateway"],
  ])('that is a call under another name is counted: %s is %s, of %s', (name, operation) => {
    expect(read({ ...CALL, 'gen_ai.operation.name': name })).toMatchObject({ role: 'call', operation });
  });

  it('of a realtime session is a call where it counted tokens', () => {
    const realtime = { ...CALL, 'gen_ai.operation.name': 'realtime' };
    expect(read(realtime)?.role).toBe('wrapper');
    expect(read({ ...realtime, 'gen_ai.usage.output_tokens': 17 })).toMatchObject({ role: 'call', operation: 'chat' });
    // Microsoft.Extensions.AI since it speaks the conventions of 1.41.
    const named = (attributes: Attributes) => read({ ...CALL, ...attributes }, { name: 'realtime gpt-realtime' });
    expect(named({ 'gen_ai.input.messages': '[]' })?.role).toBe('wrapper');
    expect(named({ 'gen_ai.usage.output_tokens': 17 })?.role).toBe('call');
    expect(named({ 'gen_ai.request.stream': true })?.role).toBe('call');
    expect(read(CALL, { name: 'realtime-desk' })?.role).toBe('call');
  });

  it.each(['decide', 'summarize', 'evaluate', 'process_thread_run'])(
    'that may be around calls is one where it counted tokens: %s',
    (name) => {
      const asked = { ...CALL, 'gen_ai.operation.name': name };
      expect(read(asked)?.role).toBe('wrapper');
      expect(read({ ...asked, 'gen_ai.usage.output_tokens': 17 })).toMatchObject({ role: 'call', operation: 'chat' });
    },
  );

  it('without a name is that of a tool if it names one: calls inside are others than the one that asked for it', () => {
    const tool = { 'gen_ai.tool.name': 'f', 'gen_ai.tool.call.id': 't1', 'gen_ai.tool.type': 'function' };
    expect(read(tool)).toMatchObject({ role: 'wrapper', boundary: 'tool' });
  });

  it('of Semantic Kernel ended as Python writes an enumeration', () => {
    const attributes = { ...CALL, 'gen_ai.response.finish_reason': 'FinishReason.STOP,FinishReason.TOOL_CALLS' };
    expect(read(attributes)?.finishReasons).toEqual(['stop', 'tool_call']);
  });

  it('of Semantic Kernel ended as .NET writes a list, with a word for what it does not know', () => {
    const ended = (reasons: string) => read({ ...CALL, 'gen_ai.response.finish_reason': reasons })?.finishReasons;
    expect(ended('["Stop","ToolCalls"]')).toEqual(['stop', 'tool_call']);
    expect(ended('["N/A"]')).toBeUndefined();
  });

  it.each(['create_agent', 'execute_event_loop_cycle', 'retrieval', 'arerank', 'litellm.moderation', 'video'])(
    'that is none is not: %s',
    (name) => {
      expect(read({ ...CALL, 'gen_ai.operation.name': name })?.role).toBe('wrapper');
    },
  );

  it('of LiteLLM is known by the type of request where nothing else names it', () => {
    const typed = (type: string) => ({
      'llm.request.type': type,
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'm',
    });
    expect(read(typed('aembedding'), {}, { name: 'litellm' })?.operation).toBe('embeddings');
    expect(read(typed('completion'), {}, { name: 'litellm' })?.operation).toBe('chat');
    expect(read(typed('completion'))?.operation).toBe('text_completion');
  });
});
