/** Prompts in AWS AppConfig, as deployed. Reads only: the way back is a deployment, with its own strategy and alarms. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { readEach } from './lib/read-each.ts';
import { readingOfText } from './lib/structured-text.ts';

const Config = z.strictObject({
  ...awsConfig,
  /** Name or id. */
  application: z.string().min(1),
  environment_id: z.string().min(1),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  profile: z.string().min(1),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const Session = z.object({ InitialConfigurationToken: z.string() });

export const awsAppconfig = sourcePlugin({
  type: 'aws-appconfig',
  summary: 'A deployed configuration of AWS AppConfig, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      access_key_id: 'env:AWS_ACCESS_KEY_ID',
      secret_access_key: 'env:AWS_SECRET_ACCESS_KEY',
      application: 'checkout',
      environment_id: 'production',
    },
    targets: [{ profile: 'prompts', field: 'intent.template' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 'appconfig', 'appconfigdata');
    return {
      live: {
        read: (targets, _known, signal) => readEach(targets, signal, (target) => readOne(aws, config, target, signal)),
      },
    };
  },
});

/** A session for each read: a session that goes on may not be asked more often than AppConfig says. */
async function readOne(aws: Aws, config: Config, target: SourceTarget<Target>, signal: AbortSignal): Promise<Reading> {
  const { profile, field } = target.config;
  const opened = await aws.ask({
    method: 'POST',
    path: '/configurationsessions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ApplicationIdentifier: config.application,
      EnvironmentIdentifier: config.environment_id,
      ConfigurationProfileIdentifier: profile,
    }),
    signal,
  });
  if (opened.outcome === 'refused' && opened.code === 'ResourceNotFoundException') {
    return {
      outcome: 'missing',
      target: target.id,
      reason: `${config.application} has no ${profile} in ${config.environment_id}.`,
    };
  }
  if (opened.outcome === 'refused') throw aws.fault(opened);
  const token = aws.shaped(Session, opened.outcome === 'ok' ? opened.text : '').InitialConfigurationToken;
  const answer = await aws.ask({ path: '/configuration', query: { configuration_token: token }, signal });
  if (answer.outcome === 'refused') throw aws.fault(answer);
  // Only AppConfig tells how soon it may be asked again.
  if (answer.outcome !== 'ok' || !answer.response.headers.has('next-poll-configuration-token')) {
    return { outcome: 'unreachable', target: target.id, reason: `${aws.host} gave no configuration.` };
  }
  const version = answer.response.headers.get('version-label');
  return readingOfText(target.id, profile, answer.text, field, version === null || version === '' ? {} : { version });
}
