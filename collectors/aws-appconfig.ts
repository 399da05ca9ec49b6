/**
 * Prompts in AWS AppConfig, as deployed. The way back is a new hosted version and its deployment, by a
 * strategy that the configuration names.
 */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { sleep } from '../src/lib/limits.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages } from './lib/pages.ts';
import { proposeTexts, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';

const Config = z.strictObject({
  ...awsConfig,
  application: z.string().min(1).describe('Name or id.'),
  environment_id: z.string().min(1),
  deployment_strategy: z
    .string()
    .min(1)
    .optional()
    .describe('Id of the strategy with which a restore is deployed, e.g. `AppConfig.AllAtOnce`. Absent: no restore.'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  profile: z.string().min(1),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const Session = z.object({ InitialConfigurationToken: z.string() });
const Named = z.object({ Id: z.string(), Name: z.string(), Type: z.string().nullish() });
type Named = z.output<typeof Named>;
const NamedList = z.object({ Items: z.array(Named), NextToken: z.string().nullish() });
const HostedVersions = z.object({
  Items: z.array(z.object({ VersionNumber: z.int(), ContentType: z.string().nullish() })),
});
const Deployment = z.object({ DeploymentNumber: z.int(), State: z.string() });

// A deployment at once takes seconds; one in steps goes on long after the command ended.
const DEPLOYMENT_LOOKS_MAX = 15;
const DEPLOYMENT_LOOK_MS = 1_000;

export const awsAppconfig = sourcePlugin({
  type: 'aws-appconfig',
  summary: 'A deployed configuration of AWS AppConfig, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      application: 'checkout',
      environment_id: 'production',
      deployment_strategy: 'AppConfig.AllAtOnce',
    },
    targets: [{ profile: 'prompts', field: 'intent.template' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 'appconfig', 'appconfigdata');
    const control = new Aws(context.fetch, config, 'appconfig', 'appconfig');
    const { deployment_strategy: strategy } = config;
    return {
      live: {
        read: (targets, _known, signal) => readEach(targets, signal, (target) => readOne(aws, config, target, signal)),
      },
      discover: proposeTexts((signal) => findTexts(aws, control, config, signal)),
      ...(strategy === undefined
        ? {}
        : {
            restore: {
              form: 'write',
              // A version made meanwhile is noticed, and a deployment that runs; one that began and ended is not.
              comparesAndSets: false,
              restore: async (target, request, signal) => {
                const hosted = await findHosted(control, config, target.config.profile, signal);
                const read = (): Promise<Reading> => readOne(aws, config, target, signal);
                return rewrite(target.id, request, read, async () => {
                  const { profile, field } = target.config;
                  const before = await readText(aws, config, profile, signal);
                  const text = textWith(profile, before.outcome === 'held' ? before.text : null, field, request.body);
                  const version = await addVersion(control, hosted, target.id, text, signal);
                  await deploy(control, hosted, strategy, { version, restores: request.version }, signal);
                });
              },
            },
          }),
    };
  },
});

type TextAnswer =
  | { readonly outcome: 'held'; readonly text: string; readonly label: string | null }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'none' };

/** A session for each read: a session that goes on may not be asked more often than AppConfig says. */
async function readText(aws: Aws, config: Config, profile: string, signal: AbortSignal): Promise<TextAnswer> {
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
  if (opened.outcome === 'refused' && opened.code === 'ResourceNotFoundException') return { outcome: 'missing' };
  if (opened.outcome === 'refused') throw aws.fault(opened);
  const token = aws.shaped(Session, opened.outcome === 'ok' ? opened.text : '').InitialConfigurationToken;
  const answer = await aws.ask({ path: '/configuration', query: { configuration_token: token }, signal });
  if (answer.outcome === 'refused') throw aws.fault(answer);
  // Only AppConfig tells how soon it may be asked again.
  if (answer.outcome !== 'ok' || !answer.response.headers.has('next-poll-configuration-token'))
    return { outcome: 'none' };
  return { outcome: 'held', text: answer.text, label: answer.response.headers.get('version-label') };
}

async function readOne(aws: Aws, config: Config, target: SourceTarget<Target>, signal: AbortSignal): Promise<Reading> {
  const { profile, field } = target.config;
  const answer = await readText(aws, config, profile, signal);
  if (answer.outcome === 'missing') {
    const reason = `${config.application} has no ${profile} in ${config.environment_id}.`;
    return { outcome: 'missing', target: target.id, reason };
  }
  if (answer.outcome === 'none')
    return { outcome: 'unreachable', target: target.id, reason: `${aws.host} gave no configuration.` };
  return readingOfText(target.id, profile, answer.text, field, versionOf(answer.label));
}

function versionOf(label: string | null): { readonly version?: string } {
  return label === null || label === '' ? {} : { version: label };
}

async function* findTexts(
  aws: Aws,
  control: Aws,
  config: Config,
  signal: AbortSignal,
): AsyncIterable<FoundText<Target>> {
  const application = await findNamed(control, '/applications', config.application, signal);
  for await (const profile of listNamed(control, `${application}/configurationprofiles`, signal)) {
    if (profile.Type === 'AWS.AppConfig.FeatureFlags') continue;
    const answer = await readText(aws, config, profile.Name, signal);
    // A profile that was never deployed here is none of this environment's.
    if (answer.outcome !== 'held') continue;
    const { text, label } = answer;
    yield { path: profile.Name, target: { profile: profile.Name }, text, more: versionOf(label) };
  }
}

async function* listNamed(control: Aws, path: string, signal: AbortSignal): AsyncIterable<Named> {
  yield* allPages<Named>(control.host, async (token) => {
    const query: Record<string, string> = token === null ? {} : { next_token: token };
    const answer = await control.ask({ path, query, signal });
    if (answer.outcome === 'refused') throw control.fault(answer);
    const { Items: items, NextToken: next } = control.shaped(NamedList, answer.outcome === 'ok' ? answer.text : '');
    return { items, next };
  });
}

/** The path of what has this name or id: writes take ids only. */
async function findNamed(control: Aws, path: string, wanted: string, signal: AbortSignal): Promise<string> {
  for await (const { Id: id, Name: name } of listNamed(control, path, signal))
    if (id === wanted || name === wanted) return `${path}/${encodeURIComponent(id)}`;
  throw new Fault('permanent', `${control.host} has no ${wanted} in ${path}.`, { hint: 'Nothing was written.' });
}

interface Hosted {
  readonly profile: string;
  readonly environment: string;
  readonly profileId: string;
  /** The newest one, deployed or not. */
  readonly latest: { readonly number: number; readonly contentType: string };
}

/** Looked up before the comparison, so that a version made after it is noticed. */
async function findHosted(control: Aws, config: Config, name: string, signal: AbortSignal): Promise<Hosted> {
  const application = await findNamed(control, '/applications', config.application, signal);
  const environment = await findNamed(control, `${application}/environments`, config.environment_id, signal);
  const profile = await findNamed(control, `${application}/configurationprofiles`, name, signal);
  const answer = await control.ask({ path: `${profile}/hostedconfigurationversions`, signal });
  if (answer.outcome === 'refused') throw control.fault(answer);
  const { Items: versions } = control.shaped(HostedVersions, answer.outcome === 'ok' ? answer.text : '');
  const latest = versions.toSorted((a, b) => b.VersionNumber - a.VersionNumber)[0];
  if (latest === undefined) {
    throw new Fault('permanent', `${name} has no versions in AppConfig's own store.`, {
      hint: 'It comes from elsewhere (S3, SSM, a pipeline): put it back there.',
    });
  }
  const { VersionNumber: number, ContentType: contentType } = latest;
  const profileId = decodeURIComponent(profile.split('/').at(-1) ?? '');
  return { profile, environment, profileId, latest: { number, contentType: contentType ?? 'text/plain' } };
}

async function addVersion(
  control: Aws,
  { profile, latest }: Hosted,
  target: string,
  text: string,
  signal: AbortSignal,
): Promise<string> {
  const answer = await control.ask({
    method: 'POST',
    path: `${profile}/hostedconfigurationversions`,
    headers: { 'content-type': latest.contentType, 'latest-version-number': String(latest.number) },
    body: text,
    signal,
  });
  if (answer.outcome === 'refused' && answer.code === 'ConflictException') throw changedMeanwhile(target);
  if (answer.outcome === 'refused') throw control.fault(answer);
  const version = answer.outcome === 'ok' ? answer.response.headers.get('version-number') : null;
  if (version === null) throw new Fault('transient', `${control.host} named no new version.`);
  return version;
}

/** Waits a little for it: the strategy may take hours, and what was not reached yet is told by the reading afterwards. */
async function deploy(
  control: Aws,
  { environment, profileId }: Hosted,
  strategy: string,
  { version, restores }: { readonly version: string; readonly restores: string },
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({
    ConfigurationProfileId: profileId,
    ConfigurationVersion: version,
    DeploymentStrategyId: strategy,
    Description: `Plumbline restores version ${restores}`.slice(0, 1024),
  });
  const path = `${environment}/deployments`;
  const headers = { 'content-type': 'application/json' };
  const started = await control.ask({ method: 'POST', path, headers, body, signal });
  if (started.outcome === 'refused' && started.code === 'ConflictException') {
    throw new Fault('permanent', `Another deployment to this environment is going on.`, {
      hint: `Version ${version} was made and is not deployed. Try again when the other has ended.`,
    });
  }
  if (started.outcome === 'refused') throw control.fault(started);
  let deployment = control.shaped(Deployment, started.outcome === 'ok' ? started.text : '');
  for (let looks = 0; deployment.State === 'DEPLOYING' && looks < DEPLOYMENT_LOOKS_MAX; looks += 1) {
    await sleep(DEPLOYMENT_LOOK_MS, signal);
    const answer = await control.ask({ path: `${path}/${deployment.DeploymentNumber}`, signal });
    if (answer.outcome === 'refused') throw control.fault(answer);
    deployment = control.shaped(Deployment, answer.outcome === 'ok' ? answer.text : '');
  }
}
