/** Which spans of each dialect are calls and which are not, by the value that decides it. */

import { describe, expect, it } from 'vitest';
import { type Attributes, read } from './span.ts';

/** What makes a call of a span about which nothing else is known: nothing of this may outweigh who knows better. */
const TEMPTING: Attributes = {
  'gen_ai.system': 'openai',
  'gen_ai.request.model': 'm',
  'gen_ai.usage.input_tokens': 42,
  'gen_ai.usage.output_tokens': 17,
};

interface Decision {
  readonly dialect: string;
  readonly key: string;
  readonly calls: Readonly<Record<string, string>>;
  readonly others: readonly string[];
  readonly boundaries?: Readonly<Record<string, 'tool' | 'agent'>>;
}

const DECISIONS: readonly Decision[] = [
  {
    dialect: 'the conventions',
    key: 'gen_ai.operation.name',
    calls: { chat: 'chat', generate_content: 'chat', text_completion: 'text_completion', embeddings: 'embeddings' },
    others: ['agent_step', 'workflow', 'plan', 'fetch_response', 'create_agent', 'chain', 'something new'],
    boundaries: { invoke_agent: 'agent', invoke_workflow: 'agent', execute_tool: 'tool' },
  },
  {
    dialect: 'OpenLLMetry, legacy',
    key: 'llm.request.type',
    calls: { chat: 'chat', completion: 'text_completion', embedding: 'embeddings' },
    others: ['rerank'],
  },
  {
    dialect: 'OpenInference',
    key: 'openinference.span.kind',
    calls: { LLM: 'chat', EMBEDDING: 'embeddings' },
    others: ['CHAIN', 'PROMPT', 'EVALUATOR', 'RETRIEVER', 'RERANKER', 'GUARDRAIL'],
    boundaries: { AGENT: 'agent', TOOL: 'tool' },
  },
  {
    dialect: 'the AI SDK',
    key: 'ai.operationId',
    calls: {
      'ai.generateText.doGenerate': 'chat',
      'ai.streamText.doStream': 'chat',
      'ai.generateObject.doGenerate': 'chat',
      'ai.streamObject.doStream': 'chat',
      'ai.embed.doEmbed': 'embeddings',
      'ai.embedMany.doEmbed': 'embeddings',
    },
    others: ['ai.generateText', 'ai.streamText', 'ai.generateObject', 'ai.embed', 'ai.embedMany', 'ai.rerank'],
    boundaries: { 'ai.toolCall': 'tool' },
  },
  {
    dialect: 'Langfuse',
    key: 'langfuse.observation.type',
    calls: { generation: 'chat', embedding: 'embeddings' },
    others: ['span', 'event', 'chain', 'retriever', 'evaluator', 'guardrail'],
    boundaries: { agent: 'agent', tool: 'tool' },
  },
  {
    dialect: 'LangSmith',
    key: 'langsmith.span.kind',
    calls: { llm: 'chat', embedding: 'embeddings' },
    others: ['chain', 'retriever', 'prompt', 'parser'],
    boundaries: { tool: 'tool' },
  },
  {
    dialect: 'Genkit',
    key: 'genkit:metadata:subtype',
    calls: { model: 'chat', embedder: 'embeddings' },
    others: ['flow', 'util', 'prompt', 'retriever'],
    boundaries: { tool: 'tool' },
  },
  {
    dialect: 'Mastra',
    key: 'mastra.span.type',
    calls: { model_inference: 'chat', model_generation: 'chat', llm_generation: 'chat', rag_embedding: 'embeddings' },
    others: ['model_step', 'model_chunk', 'workflow_step', 'processor_run'],
    boundaries: { agent_run: 'agent', workflow_run: 'agent', tool_call: 'tool', mcp_tool_call: 'tool' },
  },
  {
    dialect: 'MLflow',
    key: 'mlflow.spanType',
    calls: { '"LLM"': 'chat', '"CHAT_MODEL"': 'chat', '"EMBEDDING"': 'embeddings' },
    others: ['"CHAIN"', '"RETRIEVER"', '"PARSER"', '"RERANKER"', '"UNKNOWN"'],
    boundaries: { '"AGENT"': 'agent', '"TOOL"': 'tool' },
  },
  {
    dialect: 'LangWatch',
    key: 'langwatch.span.type',
    calls: { llm: 'chat' },
    others: ['span', 'chain', 'rag', 'guardrail', 'evaluation', 'workflow'],
    boundaries: { agent: 'agent', tool: 'tool' },
  },
];

describe.each(DECISIONS)('$dialect', ({ key, calls, others, boundaries = {} }) => {
  it.each(Object.entries(calls))('calls: %s is %s', (value, operation) => {
    expect(read({ ...TEMPTING, [key]: value })).toMatchObject({ role: 'call', operation });
  });

  it.each(others)('does not call: %s', (value) => {
    const facts = read({ ...TEMPTING, [key]: value });
    expect(facts).toMatchObject({ role: 'wrapper' });
    expect(facts).not.toHaveProperty('boundary');
  });

  it.each(Object.entries(boundaries))('begins other work: %s, of a kind of %s', (value, boundary) => {
    expect(read({ ...TEMPTING, [key]: value })).toMatchObject({ role: 'wrapper', boundary });
  });
});

describe('Claude Code', () => {
  const typed = (type: string) =>
    read({ 'span.type': type, model: 'm', input_tokens: 26 }, {}, { name: 'com.anthropic.claude_code.tracing' });

  it('calls by requests, and not by what is around them', () => {
    expect(typed('llm_request')).toMatchObject({ role: 'call', operation: 'chat' });
    expect(typed('interaction')).toMatchObject({ role: 'wrapper' });
    expect(typed('tool.execution')).toMatchObject({ role: 'wrapper', boundary: 'tool' });
  });

  it('counts input whole in the words of the conventions, which it says besides, and knows who answered', () => {
    const own = { model: 'opus', input_tokens: 26, output_tokens: 17, cache_read_tokens: 16 };
    const common = {
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 17,
      'gen_ai.usage.cache_read.input_tokens': 16,
      'gen_ai.usage.cache_write.input_tokens': 8,
      'gen_ai.response.model': 'claude-opus-4-6',
    };
    const scope = { name: 'com.anthropic.claude_code.tracing' };
    expect(read({ 'span.type': 'llm_request', ...own, ...common }, {}, scope)).toMatchObject({
      requestModel: 'opus',
      responseModel: 'claude-opus-4-6',
      tokens: { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 },
    });
  });
});

describe('OpenLLMetry', () => {
  it.each([
    ['workflow', undefined],
    ['task', undefined],
    ['agent', 'agent'],
    ['tool', 'tool'],
  ])('does not call by a span of kind %s', (kind, boundary) => {
    const facts = read({ 'traceloop.span.kind': kind, 'traceloop.entity.name': 'x' });
    expect(facts?.role).toBe('wrapper');
    expect(facts?.boundary).toBe(boundary);
  });
});
