/**
 * One spelling for what emitters spell differently: providers, finish reasons, roles, money. Tables
 * are maps: a sender may write `constructor`.
 */

/** What the AI SDK appends to a provider to name one of its interfaces: `openai.responses`. */
const INTERFACES = new Set([
  'chat',
  'responses',
  'completion',
  'messages',
  'embedding',
  'embeddings',
  'textembedding',
  'generative-ai',
  'generativeai',
  'language-model',
]);

const PROVIDER_ALIASES = new Map([
  ['az.ai.inference', 'azure.ai.inference'],
  ['az.ai.openai', 'azure.ai.openai'],
  ['azure.openai', 'azure.ai.openai'],
  // LangChain4j's, and LangChain's.
  ['open_ai', 'openai'],
  ['azure_open_ai', 'azure.ai.openai'],
  ['azure_openai', 'azure.ai.openai'],
  ['azureopenai', 'azure.ai.openai'],
  ['microsoft_foundry', 'microsoft.foundry'],
  ['amazon_bedrock', 'aws.bedrock'],
  ['bedrock_converse', 'aws.bedrock'],
  ['aws_bedrock', 'aws.bedrock'],
  ['bedrock', 'aws.bedrock'],
  ['vertex_ai', 'gcp.vertex_ai'],
  ['google.vertex.ai', 'gcp.vertex_ai'],
  ['gemini', 'gcp.gemini'],
  ['xai', 'x_ai'],
]);

/** Who asks a model, and what is written by who does not know: no provider has a price for what they name. */
const NO_PROVIDERS = new Set([
  'langchain',
  'langgraph',
  'llama_index',
  'agno',
  'ag2',
  'autogen',
  'crewai',
  'haystack',
  'strands-agents',
  'strands_agents',
  'smolagents',
  'letta',
  'pydantic_ai',
  'openai_agents',
  'google_adk',
  'claude_agent_sdk',
  'agent_framework',
  'spring_ai',
  'semantic_kernel',
  'microsoft.agent_framework',
  'agent-framework',
  'ruby_llm',
  'eino',
  'dify',
  'trpc.go.agent',
  // NVIDIA's NeMo Agent Toolkit names frameworks.
  'adk',
  'strands',
  'gcp.vertex.agent',
  '_other',
  'other',
  'unknown',
]);

/**
 * Lower case, without the name of an interface, old names replaced by the standard's present ones. Dify writes whose
 * plugin it is before it: `langgenius/openai/openai`.
 */
export function providerName(raw: string | undefined): string | undefined {
  const lower = raw?.slice(raw.lastIndexOf('/') + 1).toLowerCase() ?? '';
  if (lower === '' || NO_PROVIDERS.has(lower)) return undefined;
  const dot = lower.lastIndexOf('.');
  const name = dot > 0 && INTERFACES.has(lower.slice(dot + 1)) ? lower.slice(0, dot) : lower;
  return PROVIDER_ALIASES.get(name) ?? name;
}

/**
 * Spring AI and LangChain4j have words for a model that they do not know: of a call that failed, or an answer that
 * names none.
 */
export function modelName(raw: string | undefined): string | undefined {
  return raw === 'none' || raw === 'unknown' ? undefined : raw;
}

/** Names of LangChain's classes, which its instrumentation by OpenTelemetry has for a prompt without a name. */
const NO_PROMPTS = new Set(['PromptTemplate', 'ChatPromptTemplate']);

/** Undefined for what names no prompt. */
export function promptName(raw: string | undefined): string | undefined {
  return raw === undefined || NO_PROMPTS.has(raw) ? undefined : raw;
}

const FINISH_ALIASES = new Map([
  ['tool_call', 'tool_call'],
  ['tool_calls', 'tool_call'],
  ['tool_use', 'tool_call'],
  ['function_call', 'tool_call'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['completed', 'stop'],
  ['complete', 'stop'],
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['content_filter', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'content_filter'],
  // Bedrock's.
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
  // Gemini's.
  ['blocklist', 'content_filter'],
  ['prohibited_content', 'content_filter'],
  ['spii', 'content_filter'],
  ['recitation', 'content_filter'],
  ['image_safety', 'content_filter'],
]);

/**
 * The standard's words: stop, length, content_filter, tool_call, error; others stay, in lower case. .NET writes
 * `ToolCalls`, Strands `toolUse`, the AI SDK `tool-calls`.
 */
export function finishReason(raw: string): string {
  // Python writes the name of an enumeration before its member.
  const member = raw.replace(/^finish_?reason\./i, '');
  const words = member
    .replace(/([a-z])(?=[A-Z])/g, '$1_')
    .replaceAll('-', '_')
    .toLowerCase();
  return FINISH_ALIASES.get(words) ?? member.toLowerCase();
}

/** Of one reason, or of several. Undefined for nothing, so that it can be assigned to an optional fact. */
export function finishReasons(raw: string | readonly string[] | undefined): readonly string[] | undefined {
  if (raw === undefined || raw.length === 0) return undefined;
  return typeof raw === 'string' ? [finishReason(raw)] : raw.map(finishReason);
}

const ROLE_ALIASES = new Map([
  ['model', 'assistant'],
  ['ai', 'assistant'],
  ['chatbot', 'assistant'],
  ['human', 'user'],
  ['function', 'tool'],
]);

export function roleName(raw: string): string {
  const lower = raw.toLowerCase();
  return ROLE_ALIASES.get(lower) ?? lower;
}

/** A cost from all its parts, without the noise that adding fractions makes; undefined if one is missing. */
export function costOf(costs: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const cost of costs) {
    if (cost === undefined) return undefined;
    sum += cost;
  }
  return Number(sum.toPrecision(12));
}

/**
 * US dollars as a decimal string without an exponent. Zero and less are undefined: emitters write
 * 0 when they don't know the model's price.
 */
export function dollars(amount: number | undefined): string | undefined {
  if (amount === undefined || !(amount > 0) || !Number.isFinite(amount)) return undefined;
  const [digits = '', exponent] = String(amount).split('e');
  if (exponent === undefined) return digits;
  const power = Number(exponent);
  const [whole = '', fraction = ''] = digits.split('.');
  if (power < 0) return `0.${'0'.repeat(-power - whole.length)}${whole}${fraction}`;
  return `${whole}${fraction.padEnd(power, '0')}`;
}
