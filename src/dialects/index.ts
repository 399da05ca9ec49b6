/**
 * Every dialect, strongest first: this order is the one precedence. A field that a stronger
 * dialect has understood is never touched by a weaker one, and nothing is ever summed. Products
 * that put their own meaning into common names come before those names; the standard comes last.
 */

import { agentFramework } from './agent-framework.ts';
import { agentgateway } from './agentgateway.ts';
import { agentscope } from './agentscope.ts';
import { anthropicSdk } from './anthropic-sdk.ts';
import { braintrust } from './braintrust.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { copilot } from './copilot.ts';
import type { Dialect } from './dialect.ts';
import { geminiCli } from './gemini-cli.ts';
import { genkit } from './genkit.ts';
import { googleAdk } from './google-adk.ts';
import { haystack } from './haystack.ts';
import { langfuse } from './langfuse.ts';
import { langsmith } from './langsmith.ts';
import { langwatch } from './langwatch.ts';
import { litellm } from './litellm.ts';
import { livekit } from './livekit.ts';
import { llamaIndex } from './llama-index.ts';
import { logfire } from './logfire.ts';
import { mastra } from './mastra.ts';
import { mistral } from './mistral.ts';
import { mlflow } from './mlflow.ts';
import { modelServer } from './model-server.ts';
import { openclaw } from './openclaw.ts';
import { openinference } from './openinference.ts';
import { openlit } from './openlit.ts';
import { openllmetry } from './openllmetry.ts';
import { openrouter } from './openrouter.ts';
import { pipecat } from './pipecat.ts';
import { pydanticAi } from './pydantic-ai.ts';
import { quarkusLangchain4j } from './quarkus-langchain4j.ts';
import { rig } from './rig.ts';
import { semconv } from './semconv.ts';
import { strands } from './strands.ts';
import { trpcAgentGo } from './trpc-agent-go.ts';
import { truefoundry } from './truefoundry.ts';
import { vercelAiGateway } from './vercel-ai-gateway.ts';
import { vercelAi } from './vercel-ai.ts';
import { voltagent } from './voltagent.ts';

export const DIALECTS: readonly Dialect[] = [
  claudeCode,
  codex,
  copilot,
  geminiCli,
  mastra,
  genkit,
  googleAdk,
  langsmith,
  mlflow,
  braintrust,
  voltagent,
  vercelAi,
  vercelAiGateway,
  langfuse,
  langwatch,
  openinference,
  openllmetry,
  pydanticAi,
  quarkusLangchain4j,
  pipecat,
  livekit,
  logfire,
  litellm,
  openlit,
  haystack,
  llamaIndex,
  agentgateway,
  truefoundry,
  openrouter,
  openclaw,
  modelServer,
  mistral,
  agentscope,
  trpcAgentGo,
  agentFramework,
  rig,
  strands,
  anthropicSdk,
  semconv,
];
