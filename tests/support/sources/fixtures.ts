/** The stand-ins of all sources: one line per plugin, in the order of the alphabet. */

import { anthropicAgentsFixture } from './anthropic-agents.ts';
import { awsAppconfigFixture } from './aws-appconfig.ts';
import { awsBedrockFixture } from './aws-bedrock.ts';
import { awsS3Fixture } from './aws-s3.ts';
import { awsSecretsFixture } from './aws-secrets.ts';
import { awsSsmFixture } from './aws-ssm.ts';
import { azureAgentsFixture } from './azure-agents.ts';
import { braintrustFixture } from './braintrust.ts';
import { cloudflareKvFixture } from './cloudflare-kv.ts';
import { elevenlabsFixture } from './elevenlabs.ts';
import { filesFixture } from './files.ts';
import { gitFixture } from './git.ts';
import { githubFixture } from './github.ts';
import { gitlabFixture } from './gitlab.ts';
import { httpJsonFixture } from './http-json.ts';
import { kubernetesFixture } from './kubernetes.ts';
import { langfuseFixture } from './langfuse.ts';
import { langsmithFixture } from './langsmith.ts';
import { launchdarklyFixture } from './launchdarkly.ts';
import { litellmFixture } from './litellm.ts';
import { mistralFixture } from './mistral.ts';
import { mlflowFixture } from './mlflow.ts';
import { openaiAgentsFixture } from './openai-agents.ts';
import { opikFixture } from './opik.ts';
import { portkeyFixture } from './portkey.ts';
import { promptlayerFixture } from './promptlayer.ts';
import { redisFixture } from './redis.ts';
import { retellFixture } from './retell.ts';
import { sqlFixture } from './sql.ts';
import { vapiFixture } from './vapi.ts';
import type { SourceFixture } from './stand-in.ts';

/** Those that are not reached over HTTP. */
export const LOCAL: ReadonlySet<string> = new Set(['files', 'git', 'redis', 'sql']);

export const sourceFixtures: readonly SourceFixture[] = [
  anthropicAgentsFixture,
  awsAppconfigFixture,
  awsBedrockFixture,
  awsS3Fixture,
  awsSecretsFixture,
  awsSsmFixture,
  azureAgentsFixture,
  braintrustFixture,
  cloudflareKvFixture,
  elevenlabsFixture,
  filesFixture,
  gitFixture,
  githubFixture,
  gitlabFixture,
  httpJsonFixture,
  kubernetesFixture,
  langfuseFixture,
  langsmithFixture,
  launchdarklyFixture,
  litellmFixture,
  mistralFixture,
  mlflowFixture,
  openaiAgentsFixture,
  opikFixture,
  portkeyFixture,
  promptlayerFixture,
  redisFixture,
  retellFixture,
  sqlFixture,
  vapiFixture,
];
