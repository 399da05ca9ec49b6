/** The registry of sources: one line per plugin, in the order of the alphabet. */

import type { AnySourcePlugin } from '../src/contract/source.ts';
import { anthropicAgents } from './anthropic-agents.ts';
import { awsAppconfig } from './aws-appconfig.ts';
import { awsBedrock } from './aws-bedrock.ts';
import { awsS3 } from './aws-s3.ts';
import { awsSecrets } from './aws-secrets.ts';
import { awsSsm } from './aws-ssm.ts';
import { azureAgents } from './azure-agents.ts';
import { braintrust } from './braintrust.ts';
import { cloudflareKv } from './cloudflare-kv.ts';
import { elevenlabs } from './elevenlabs.ts';
import { files } from './files.ts';
import { git } from './git.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { httpJson } from './http-json.ts';
import { kubernetes } from './kubernetes.ts';
import { langfuse } from './langfuse.ts';
import { langsmith } from './langsmith.ts';
import { launchdarkly } from './launchdarkly.ts';
import { litellm } from './litellm.ts';
import { mistral } from './mistral.ts';
import { mlflow } from './mlflow.ts';
import { openaiAgents } from './openai-agents.ts';
import { opik } from './opik.ts';
import { portkey } from './portkey.ts';
import { promptlayer } from './promptlayer.ts';
import { redis } from './redis.ts';
import { retell } from './retell.ts';
import { sql } from './sql.ts';
import { vapi } from './vapi.ts';

export const sourcePlugins: readonly AnySourcePlugin[] = [
  anthropicAgents,
  awsAppconfig,
  awsBedrock,
  awsS3,
  awsSecrets,
  awsSsm,
  azureAgents,
  braintrust,
  cloudflareKv,
  elevenlabs,
  files,
  git,
  github,
  gitlab,
  httpJson,
  kubernetes,
  langfuse,
  langsmith,
  launchdarkly,
  litellm,
  mistral,
  mlflow,
  openaiAgents,
  opik,
  portkey,
  promptlayer,
  redis,
  retell,
  sql,
  vapi,
];
